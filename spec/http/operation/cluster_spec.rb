# frozen_string_literal: true

require_relative '../../support/http_operation'

# The first process and its workers, while nothing is changed.
RSpec.describe 'polyphony serve with workers' do
  # Kills a worker, and waits until there is another one.
  def kill_worker(program, pid)
    program.signal(:KILL, pid)
    program.wait_until('another worker') { (program.workers - [pid]).size == 1 && !program.workers.include?(pid) }
    program.workers.first
  end

  it 'serves in one worker, says where, and names its processes' do
    program = operate.ready
    expect(program.log).to match(%r{\Apolyphony: listening on http://127\.0\.0\.1:\d+ with 1 worker, process #{program.pid}\n\z})
    expect(program.get).to eq(program.workers.first.to_s)
    expect(program.title).to eq("polyphony: first process, #{program.address}")
    expect(program.title(program.workers.first)).to eq('polyphony: worker 0')
  end

  it 'serves in as many workers as it is told, on the same socket' do
    program = operate('-w', '3').ready
    expect(program.wait_for_workers(3).map { |pid| program.title(pid) })
      .to contain_exactly('polyphony: worker 0', 'polyphony: worker 1', 'polyphony: worker 2')
    expect(program.workers.map(&:to_s)).to include(program.get)
  end

  it 'takes the number of workers from WEB_CONCURRENCY, and the port from PORT' do
    program = operate(env: { 'WEB_CONCURRENCY' => '2', 'PORT' => '0' }).ready
    expect(program.log).to include('listening on http://0.0.0.0:').and include('2 workers')
    program.wait_for_workers(2)
  end

  it 'waits in the first process: it uses no time while nothing happens' do
    program = operate('-w', '1').ready
    states = Array.new(20) do
      sleep 0.01 # one sample after another
      File.read("/proc/#{program.pid}/stat").rpartition(')').last.split.first
    end
    expect(states.count('S')).to be > 10
  end

  it 'has no threads, no scheduler, no app and little memory in the first process' do
    program = operate(files: { 'app.rb' => "BIG = 'x' * 50_000_000\n#{HttpOperation::APP}" }).ready
    expect(program.get).not_to be_empty
    status = File.read("/proc/#{program.pid}/status")
    expect(status[/^Threads:\s+(\d+)/, 1].to_i).to be <= 2 # Ruby has one for its timers
    expect(status[/^VmRSS:\s+(\d+)/, 1].to_i).to be < 45_000
    loops = ->(pid) { Dir.glob("/proc/#{pid}/fd/*").count { |fd| File.readlink(fd).match?(/eventpoll|io_uring/) } }
    expect(loops.call(program.pid)).to be < loops.call(program.workers.first) # Ruby 3.3 has one of its own
  end

  it 'replaces a worker that was killed, and leaves no zombie' do
    program = operate('-w', '1').ready
    first = program.workers.first
    second = kill_worker(program, first)
    expect(program.get).to eq(second.to_s)
    program.wait_for(/worker 0 \(#{first}\) ended: killed by SIGKILL$/)
    states = program.workers.map { |pid| File.read("/proc/#{pid}/stat").split[2] }
    expect(states).not_to include('Z')
  end

  it 'gives a worker that dies again and again time, more each time' do
    program = operate('-w', '1').ready
    pid = program.workers.first
    3.times { pid = kill_worker(program, pid) }
    pauses = program.log.scan(/worker 0 is started again in (\d+) s/).flatten
    expect(pauses).to eq(%w[1 2])
    expect(program.get).to eq(pid.to_s)
  end

  it 'goes on trying when a worker cannot be started again, and recovers' do
    program = operate('-w', '1').ready
    app = File.join(program.folder, 'app.rb')
    File.write(app, "raise 'half deployed'")
    program.signal(:KILL, program.workers.first)
    program.wait_for(/worker 0 \(\d+\) did not start: .*half deployed/)
    program.wait_for(/worker 0 is started again in 1 s/)
    File.write(app, HttpOperation::APP)
    worker = program.wait_until('a worker that serves') { program.get if program.workers.any? }
    expect(program.workers).to eq([worker.to_i])
  end

  it 'goes on when no process can be started just now' do
    result = run_ruby(<<~'RUBY')
      require 'polyphony/http/operation'
      def Process.fork = raise(Errno::EAGAIN)
      Generation = Struct.new(:count) do
        def due?(_) = true
        def pause(*arguments) = p(arguments)
      end
      crew = Polyphony::HTTP::Operation::Crew.new(Polyphony::HTTP::Log.new($stderr), [])
      crew.fill(Generation.new(1))
      p crew.size
    RUBY
    expect([result.stdout, result.stderr]).to eq(["[0, 30]\n0\n", "polyphony: worker 0 cannot be started: Resource temporarily unavailable\n"])
  end

  it 'loses only the requests of a worker that is killed' do
    app = <<~'RUBY'
      proc do |request|
        next request.respond(Process.pid.to_s) unless request.path == '/wait'
        File.write('waiting', Process.pid.to_s)
        sleep 0.01 until File.exist?('go')
        request.respond('finished')
      end
    RUBY
    program = operate('-w', '2', files: { 'app.rb' => app }).ready
    waiting = Thread.new { program.get('/wait') }
    served_by = program.wait_until('a request') { (text = File.read(File.join(program.folder, 'waiting'))).empty? ? nil : text.to_i if File.exist?(File.join(program.folder, 'waiting')) }
    program.signal(:KILL, (program.workers - [served_by]).first)
    program.wait_until('another one') { program.workers.size == 2 }
    File.write(File.join(program.folder, 'go'), '')
    expect(waiting.value).to eq('finished')
  end

  it 'kills a worker that gives no sign of life' do
    app = "proc { |request| request.path == '/hang' ? (loop {}) : request.respond(Process.pid.to_s) }\n"
    program = operate(files: { 'app.rb' => app, 'config/polyphony.rb' => 'worker_timeout 3' }).ready
    hung = program.get
    client = HttpServer::Client.open(program.address)
    client.send_request('GET', '/hang')
    program.wait_for(/worker 0 \(#{hung}\) gave no sign of life for 3 s: killed$/)
    program.wait_until('another one') { program.workers.any? && program.workers != [hung.to_i] }
    expect(program.get).not_to eq(hung)
  end

  it 'ends with 1 and the reason, once, when the app cannot be loaded' do
    status, log = operate_in_vain('-w', '3', files: { 'app.rb' => "\nraise 'the database is down'" })
    expect(status).to eq(1)
    expect(log.scan(/app\.rb:2:.*the database is down \(RuntimeError\)/).size).to eq(1)
    expect(log).to match(/^polyphony: worker \d \(\d+\) did not start: /)
  end

  {
    'is not there' => [{}, ['nothing.ru'], /\Apolyphony: no such file: nothing\.ru$/],
    'has a syntax error' => [{ 'app.rb' => "proc {\n" }, [], /app\.rb:\d+: syntax error/],
    'is no handler' => [{ 'app.rb' => '42' }, [], /did not start: app\.rb must end with a handler, as .*; its value is 42$/]
  }.each do |what, (files, arguments, message)|
    it "ends with 1 when the app #{what}" do
      status, log = operate_in_vain(*arguments, files: files)
      expect([status, log]).to match([1, message])
    end
  end

  it 'ends with 1 when a worker is not ready in time' do
    status, log = operate_in_vain(files: { 'app.rb' => 'sleep', 'config/polyphony.rb' => 'boot_timeout 1' })
    expect([status, log]).to match([1, /worker 0 \(\d+\) was not ready within 1 s: killed\n/])
  end

  it 'has one worker more for TTIN, one less for TTOU, and at least one' do
    program = operate('-w', '1').ready
    program.signal(:TTIN)
    program.wait_for(/: 2 workers from now on$/)
    two = program.wait_for_workers(2)
    program.signal(:TTOU)
    program.wait_for(/: 1 workers from now on$/)
    one = program.wait_for_workers(1)
    expect(two).to include(*one)
    program.signal(:TTOU)
    program.signal(:USR1)
    expect(program.get).to eq(one.first.to_s)
    expect(program.workers).to eq(one)
  end

  it 'prints what the fibers of its workers do, for QUIT' do
    program = operate('-w', '2').ready
    program.signal(:QUIT)
    program.wait_for(/polyphony dump: end/, 2)
    expect(program.log).to match(/polyphony dump: polyphony: worker [01], process/).and match(/:"access log"|:clock|:http/)
    expect(program.get).not_to be_empty
  end

  it 'loads a preloaded app once, in the first process' do
    app = "File.write('loaded', \"\#{Process.pid}\\n\", mode: 'a')\n#{HttpOperation::APP}"
    program = operate('-w', '2', '--preload', files: { 'app.rb' => app }).ready
    expect(File.read(File.join(program.folder, 'loaded'))).to eq("#{program.pid}\n")
    expect(program.workers.map(&:to_s)).to include(program.get)
  end

  it 'warns of threads that a preloaded app has started, as workers do not have them' do
    program = operate('--preload', files: { 'app.rb' => "Thread.new { sleep }\n#{HttpOperation::APP}" }).ready
    expect(program.log).to include('the app started 1 threads while it was preloaded: workers do not have them')
    expect(program.get).not_to be_empty
  end

  it 'ends with 1 when a preloaded app cannot be loaded' do
    status, log = operate_in_vain('--preload', files: { 'app.rb' => 'raise "no"' })
    expect([status, log]).to match([1, /app\.rb:1:.*no \(RuntimeError\)/])
  end

  it 'calls on_worker_start and on_worker_stop in each worker, with its number' do
    hooks = <<~'RUBY'
      workers 2
      note = ->(what, index) { File.write('notes', "#{what} #{index} #{Process.pid}\n", mode: 'a') }
      on_worker_start { |index| sleep 0.001; note.call('start', index) }
      on_worker_stop { |index| sleep 0.001; note.call('stop', index) }
    RUBY
    program = operate(files: { 'config/polyphony.rb' => hooks }).ready
    pids = program.wait_for_workers(2)
    program.stop
    notes = File.readlines(File.join(program.folder, 'notes'), chomp: true).map(&:split)
    expect(notes.map { |what, index, _| "#{what} #{index}" }).to contain_exactly('start 0', 'start 1', 'stop 0', 'stop 1')
    expect(notes.map(&:last).uniq.map(&:to_i)).to match_array(pids)
  end

  it 'ends when on_worker_start fails, and logs what on_worker_stop fails with' do
    status, log = operate_in_vain(files: { 'config/polyphony.rb' => "on_worker_start { raise 'no pool' }" })
    expect([status, log]).to match([1, /did not start: .*no pool/])
    program = operate(files: { 'config/polyphony.rb' => "on_worker_stop { raise 'no goodbye' }" }).ready
    expect(program.stop.exitstatus).to eq(0)
    expect(program.log).to match(/^polyphony: worker 0: .*no goodbye/)
  end

  it 'lets its workers end when it is killed' do
    program = operate('-w', '2').ready
    pids = program.wait_for_workers(2)
    program.signal(:KILL)
    program.wait
    program.wait_until('their end') { pids.none? { |pid| File.exist?("/proc/#{pid}/cmdline") && !File.read("/proc/#{pid}/cmdline").empty? } }
    expect(program.log.scan(/worker \d: the first process is gone: stopping/).size).to eq(2)
  end

  it 'names a worker in its log lines' do
    program = operate(files: { 'app.rb' => "proc { |request| raise 'broken' }" }).ready
    expect(program.get).to eq("500 Internal Server Error\n")
    expect(program.log).to match(%r{^polyphony: worker 0: GET /: .*app\.rb:1:.*broken \(RuntimeError\)$})
  end
end
