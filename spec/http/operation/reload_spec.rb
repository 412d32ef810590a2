# frozen_string_literal: true

require 'openssl'
require_relative '../../support/http_operation'

# SIGHUP: new workers with a new configuration and a new app, and nobody is refused.
RSpec.describe 'polyphony serve, reloaded' do
  def version(text) = "proc { |request| request.respond('#{text}') }\n"

  def write(program, name, text)
    File.write(File.join(program.folder, name), text)
  end

  def reload(program, times = 1)
    program.signal(:HUP)
    program.wait_for(/: reloaded: /, times)
  end

  # @return [Boolean] whether somebody listens there
  def listens?(address)
    HttpServer::Client.open(address).close
    true
  rescue Errno::ECONNREFUSED, Errno::ENOENT
    false
  end

  it 'serves the new app with new workers' do
    program = operate('-w', '2', files: { 'app.rb' => version('one') }).ready
    before = program.wait_for_workers(2)
    expect(program.get).to eq('one')
    write(program, 'app.rb', version('two'))
    reload(program)
    expect(program.log).to match(%r{: reloaded: 2 workers on #{program.address}$})
    program.wait_until('the end of the old ones') { (program.workers & before).empty? }
    expect([program.get, program.workers.size]).to eq(['two', 2])
  end

  it 'loads a preloaded app again' do
    program = operate('--preload', files: { 'app.rb' => version('one') }).ready
    write(program, 'app.rb', version('two'))
    reload(program)
    program.wait_until('the new app') { program.get == 'two' }
    write(program, 'app.rb', 'raise "three"')
    program.signal(:HUP)
    program.wait_for(/not reloaded, everything stays as it is: three/)
    expect(program.get).to eq('two')
  end

  it 'refuses no connection and loses no request, while it is reloaded under load' do
    program = operate('-w', '2').ready
    results = Queue.new
    going = true
    clients = Array.new(3) do
      Thread.new do
        while going
          client = HttpServer::Client.open(program.address)
          results << client.request('GET', '/', headers: { 'Connection' => 'close' }).status
          client.close
        end
      rescue StandardError => e
        results << e
      end
    end
    3.times { |i| reload(program, i + 1) }
    going = false
    clients.each(&:join)
    all = Array.new(results.size) { results.pop }
    expect(all.uniq).to eq([200])
    expect(all.size).to be > 10
  end

  it 'lets a request that is under way finish in its old worker' do
    app = <<~'RUBY'
      proc do |request|
        if request.path == '/wait'
          File.write('waiting', '')
          sleep 0.01 until File.exist?('go')
        end
        request.respond(Process.pid.to_s)
      end
    RUBY
    program = operate(files: { 'app.rb' => app }).ready
    old = program.get
    waiting = Thread.new { program.get('/wait') }
    program.wait_until('the request') { File.exist?(File.join(program.folder, 'waiting')) }
    reload(program)
    program.wait_until('the new worker') { program.get != old }
    write(program, 'go', '')
    expect(waiting.value).to eq(old)
  end

  it 'listens at the new places, keeps the socket of those that stay, and leaves the others' do
    sockets = Dir.mktmpdir
    config = ->(*binds) { "bind #{binds.map(&:inspect).join(', ')}" }
    program = operate(files: { 'config/polyphony.rb' => config.call('http://127.0.0.1:0', "unix://#{sockets}/a") }).ready
    address = program.address
    write(program, 'config/polyphony.rb', config.call('http://127.0.0.1:0', "unix://#{sockets}/b"))
    reload(program)
    expect(program.log).to include("reloaded: 1 worker on #{address} unix://#{sockets}/b")
    program.wait_for_workers(1)
    expect(program.get(address: address)).to eq(program.get(address: "unix://#{sockets}/b"))
    expect(listens?("unix://#{sockets}/a")).to be(false)
    expect(Dir.children(sockets)).to eq(['b'])
    program.stop
    expect(Dir.children(sockets)).to eq([])
  ensure
    FileUtils.rm_rf(sockets)
  end

  it 'takes up TLS at the same place' do
    key = OpenSSL::PKey::RSA.new(2048)
    program = operate(files: { 'config/polyphony.rb' => "bind 'http://127.0.0.1:#{port = free_port}'",
                               'key.pem' => key.to_pem, 'cert.pem' => certificate(key).to_pem }).ready
    expect(program.get).not_to be_empty
    write(program, 'config/polyphony.rb', "bind 'https://127.0.0.1:#{port}'\ntls cert: 'cert.pem', key: 'key.pem'")
    reload(program)
    program.wait_until('TLS') do
      program.get(address: "https://127.0.0.1:#{port}")
    rescue OpenSSL::SSL::SSLError
      nil # the old worker has not gone yet
    end
  end

  def free_port = TCPServer.open('127.0.0.1', 0) { |server| server.addr[1] }

  def certificate(key)
    OpenSSL::X509::Certificate.new.tap do |one|
      one.version = 2
      one.serial = 1
      one.subject = one.issuer = OpenSSL::X509::Name.parse('/CN=localhost')
      one.public_key = key.public_key
      one.not_before = Time.now - 60
      one.not_after = Time.now + 3600
      one.sign(key, OpenSSL::Digest.new('SHA256'))
    end
  end

  it 'has the number of workers that the new configuration says' do
    program = operate(files: { 'config/polyphony.rb' => 'workers 1' }).ready
    write(program, 'config/polyphony.rb', 'workers 3')
    reload(program)
    program.wait_for_workers(3)
    write(program, 'config/polyphony.rb', 'workers 2')
    reload(program, 2)
    program.wait_for_workers(2)
  end

  {
    'a broken configuration' => ["bind 'http://127.0.0.1:0'\nworkres 3", %r{everything stays as it is: config/polyphony\.rb:2: no setting is named workres: did you mean}],
    'a syntax error' => ["workers (\n", %r{everything stays as it is: config/polyphony\.rb:\d+: syntax error}],
    'no workers' => ["bind 'http://127.0.0.1:0'\nworkers 0", /everything stays as it is: for 0 workers, restart/],
    'a certificate that is not there' => ["bind 'https://127.0.0.1:0'\ntls cert: 'no.pem', key: 'no.pem'", /everything stays as it is: the certificate no\.pem cannot be read/],
    'an app that is not there' => ["bind 'http://127.0.0.1:0'\napp 'no.rb'", /everything stays as it is: no such file: no\.rb/],
    'an app that fails' => ["bind 'http://127.0.0.1:0'\napp 'broken.rb'", /did not start: .*broken\.rb:1:.*of no use.*everything stays as it is: the new workers did not start/m]
  }.each do |what, (config, message)|
    it "stays as it is with #{what}, and can be reloaded later" do
      good = "bind 'http://127.0.0.1:0'"
      program = operate(files: { 'config/polyphony.rb' => good, 'broken.rb' => 'raise "of no use"' }).ready
      before = program.get
      write(program, 'config/polyphony.rb', config)
      program.signal(:HUP)
      program.wait_for(/everything stays as it is/)
      expect(program.log).to match(message)
      expect([program.get, program.wait_for_workers(1)]).to eq([before, [before.to_i]])
      write(program, 'config/polyphony.rb', good)
      reload(program)
      program.wait_until('the new worker') { program.get != before }
    end
  end

  it 'keeps its sockets when it cannot have a new one, and a worker that dies then is like the others' do
    taken = TCPServer.new('127.0.0.1', 0)
    program = operate(files: { 'config/polyphony.rb' => "bind 'http://127.0.0.1:0'" }).ready
    write(program, 'config/polyphony.rb', "bind 'http://127.0.0.1:#{taken.addr[1]}'")
    program.signal(:HUP)
    program.wait_for(/everything stays as it is: Address already in use - cannot listen at/)
    pid = program.workers.first
    program.signal(:KILL, pid)
    program.wait_until('another one') { program.workers.any? && program.workers != [pid] }
    expect(program.get).to eq(program.workers.first.to_s)
  ensure
    taken.close
  end

  it 'starts again with the newest configuration when it is reloaded while it is being reloaded' do
    slow = "sleep 0.01 until File.exist?('go')\n#{HttpOperation::APP}"
    program = operate.ready
    before = program.get
    write(program, 'app.rb', slow)
    program.signal(:HUP)
    program.wait_until('a new worker') { program.workers.size == 2 }
    write(program, 'app.rb', version('newest'))
    program.signal(:HUP)
    program.wait_for(/: reloaded: /)
    program.wait_until('the newest') { program.get == 'newest' }
    program.wait_until('the end of the others') { program.workers.size == 1 && !program.workers.include?(before.to_i) }
    expect(program.log.scan(/: reloaded: /).size).to eq(1)
  end

  it 'takes several signals at once for one' do
    program = operate.ready
    5.times { program.signal(:HUP) }
    program.wait_for(/: reloaded: /)
    program.wait_for_workers(1)
    expect(program.get).to eq(program.workers.first.to_s)
  end

  it 'can be reloaded while it begins' do
    program = operate(files: { 'app.rb' => "File.write('loading', '')\nsleep 0.01 until File.exist?('go')\n#{HttpOperation::APP}" })
    program.wait_until('loading') { File.exist?(File.join(program.folder, 'loading')) }
    program.signal(:HUP)
    program.wait_for(/: reloading: /)
    write(program, 'go', '')
    program.ready
    program.wait_for_workers(1)
    expect(program.get).to eq(program.workers.first.to_s)
  end

  it 'stops while it is being reloaded' do
    program = operate.ready
    write(program, 'app.rb', 'sleep')
    program.signal(:HUP)
    program.wait_until('a new worker') { program.workers.size == 2 }
    pids = program.workers
    expect(program.stop.exitstatus).to eq(0)
    expect(pids.select { |pid| File.exist?("/proc/#{pid}") }).to eq([])
  end

  it 'does not grow when it is reloaded again and again' do
    program = operate.ready
    memory = -> { File.read("/proc/#{program.pid}/status")[/^VmRSS:\s+(\d+)/, 1].to_i }
    files = -> { Dir.children("/proc/#{program.pid}/fd").size }
    5.times { |i| reload(program, i + 1) }
    program.wait_for_workers(1)
    before = [memory.call, files.call]
    10.times { |i| reload(program, i + 6) }
    program.wait_for_workers(1)
    expect(files.call).to eq(before.last)
    expect(memory.call - before.first).to be < 3000
  end
end
