# frozen_string_literal: true

require 'polyphony/http/operation'
require_relative '../../support/http_operation'

# sd_listen_fds(3) and sd_notify(3), spoken by the spec in place of systemd.
RSpec.describe 'polyphony serve under systemd' do
  # What systemd receives.
  class Supervisor
    attr_reader :path, :seen

    def initialize(folder)
      @path = File.join(folder, 'notify')
      @socket = Socket.new(:UNIX, :DGRAM)
      @socket.bind(Addrinfo.unix(@path))
      @seen = []
    end

    # Waits for a message that matches; the suite's watchdog is the limit.
    def wait_for(pattern)
      loop do
        raise "systemd was not told #{pattern.inspect}, but #{@seen}" unless @socket.wait_readable(30)

        @seen << @socket.recv(4096)
        return @seen.last if @seen.last.match?(pattern)
      end
    end

    # @return [Boolean] whether anything more is there
    def more? = @socket.wait_readable(0) ? true : false

    def close = @socket.close
  end

  before do
    @runtime = Dir.mktmpdir
    @supervisor = Supervisor.new(@runtime)
  end

  after do
    @supervisor.close
    @passed&.each(&:close)
    FileUtils.rm_rf(@runtime)
  end

  def notified(*arguments, env: {}, **options)
    operate(*arguments, env: { 'NOTIFY_SOCKET' => @supervisor.path, **env }, **options)
  end

  # Passes sockets as systemd does: LISTEN_PID is that of the program.
  def activated(*sockets, arguments: [], env: {}, **options)
    @passed = sockets
    start = "ENV['LISTEN_PID'] = Process.pid.to_s; exec(*ARGV, close_others: false)"
    command = [RbConfig.ruby, '-e', start, RbConfig.ruby, *Support::RunRuby::LOAD_PATH, File.join(ROOT, 'exe/polyphony'), 'serve']
    descriptors = sockets.each_with_index.to_h { |socket, i| [3 + i, socket] }
    operate(*arguments, command: command, env: { 'LISTEN_FDS' => sockets.size.to_s, 'LISTEN_FDNAMES' => 'a:b', **env }, **descriptors, **options)
  end

  { 'with workers' => %w[-w 2], 'in one process' => %w[-w 0] }.each do |how, arguments|
    context how do
      it 'says when it is ready and when it stops' do
        program = notified(*arguments)
        expect(@supervisor.wait_for(/READY/)).to match(/\AREADY=1\nSTATUS=(2 workers|serving)\z/)
        program.ready
        expect(program.get).not_to be_empty
        expect(program.stop.exitstatus).to eq(0)
        expect(@supervisor.wait_for(/STOPPING/)).to eq('STOPPING=1')
        expect(@supervisor.seen.size).to eq(2)
        expect(@supervisor.more?).to be(false)
      end

      it 'says that it reloads, and when it has' do
        program = notified(*arguments)
        @supervisor.wait_for(/READY/)
        program.signal(:HUP)
        before = Process.clock_gettime(Process::CLOCK_MONOTONIC, :microsecond)
        said = @supervisor.wait_for(/RELOADING/)
        expect(said).to match(/\ARELOADING=1\nMONOTONIC_USEC=\d+\z/)
        expect(said[/\d+\z/].to_i).to be_within(60_000_000).of(before)
        expect(@supervisor.wait_for(/READY/)).to start_with('READY=1')
      end

      it 'gives signs of life when they are wanted' do
        notified(*arguments, env: { 'WATCHDOG_USEC' => '100000' })
        3.times { @supervisor.wait_for(/\AWATCHDOG=1\z/) }
      end

      it 'gives none when they are for another process, or not wanted' do
        program = notified(*arguments, env: { 'WATCHDOG_USEC' => '1', 'WATCHDOG_PID' => '1' })
        @supervisor.wait_for(/READY/)
        program.stop
        @supervisor.wait_for(/STOPPING/)
        expect(@supervisor.seen.grep(/WATCHDOG/)).to eq([])
      end

      it 'serves at the sockets that are passed, tcp and unix, and leaves the file of the latter' do
        path = File.join(@runtime, 'app.sock')
        program = activated(TCPServer.new('127.0.0.1', 0), UNIXServer.new(path), arguments: arguments).ready
        tcp = "http://127.0.0.1:#{@passed.first.addr[1]}"
        expect(program.addresses).to eq([tcp, "unix://#{path}"])
        expect([program.get(address: tcp), program.get(address: "unix://#{path}")]).to all(match(/\A\d+\z/))
        program.stop
        expect(File.socket?(path)).to be(true)
        HttpServer::Client.open(tcp).close # systemd listens on: the next one takes it up
      end
    end
  end

  it 'says when a reload has failed' do
    program = notified
    @supervisor.wait_for(/READY/)
    File.write(File.join(program.folder, 'app.rb'), 'raise "no"')
    program.signal(:HUP)
    @supervisor.wait_for(/RELOADING/)
    expect(@supervisor.wait_for(/READY/)).to eq("READY=1\nSTATUS=1 worker; the last reload failed")
  end

  it 'gives a sign of life not more often than twice in the time that systemd waits' do
    script = <<~RUBY
      require 'polyphony/http/operation'
      notify = Polyphony::HTTP::Operation::Notify
      print [100.0, 104.9, 105.0, 109.9, 110.0].map { |now| notify.alive(now) }.inspect
    RUBY
    result = run_ruby(script, env: { 'NOTIFY_SOCKET' => @supervisor.path, 'WATCHDOG_USEC' => '10000000' })
    expect(result.stdout).to eq('[true, false, true, false, true]')
  end

  it 'gives no sign of life when no worker does' do
    crew = Polyphony::HTTP::Operation::Crew.new(nil, [])
    child = Struct.new(:starting?, :silence)
    lives = lambda do |interval, *children|
      crew.instance_variable_set(:@children, children.to_h { |values| [values.hash, child.new(*values)] })
      crew.alive?(interval) ? true : false
    end
    expect(lives.call(5, [false, 9.9], [false, 60])).to be(true)
    expect(lives.call(5, [false, 10.1], [true, 0])).to be(false)
    expect(lives.call(0.1, [false, 2.9])).to be(true) # they are given each second
    expect(lives.call(5)).to be(false)
    expect(lives.call(nil, [false, 0])).to be(false)
  end

  it 'takes a socket with an abstract name, and does without one that cannot be written to' do
    abstract = Socket.new(:UNIX, :DGRAM)
    name = "polyphony-#{Process.pid}"
    abstract.bind(Socket.pack_sockaddr_un("\0#{name}"))
    operate(env: { 'NOTIFY_SOCKET' => "@#{name}" })
    expect(abstract.recv(100)).to start_with('READY=1')
    program = operate(env: { 'NOTIFY_SOCKET' => '/nowhere/notify' }).ready
    expect(program.get).not_to be_empty
    expect(program.stop.exitstatus).to eq(0)
    expect(program.log.scan(/NOTIFY_SOCKET cannot be written to/).size).to eq(1)
  ensure
    abstract.close
  end

  it 'keeps the variables from its workers, and the sockets from what they start' do
    app = <<~'RUBY'
      proc do |request|
        names = ENV.keys.grep(/NOTIFY|WATCHDOG|LISTEN/)
        request.respond("#{names} #{`ls -l /proc/self/fd`.scan(/socket/).size}")
      end
    RUBY
    program = activated(TCPServer.new('127.0.0.1', 0), env: { 'NOTIFY_SOCKET' => @supervisor.path, 'WATCHDOG_USEC' => '10000000' },
                                                      files: { 'app.rb' => app }).ready
    expect(program.get).to eq('[] 0')
  end

  it 'serves where it is told to, and says that passed sockets are not used' do
    program = activated(TCPServer.new('127.0.0.1', 0), arguments: ['-b', 'http://127.0.0.1:0']).ready
    expect(program.log).to match(/systemd has passed fd:\/\/3, which are not used: `bind` says where to listen$/)
    expect(program.addresses.size).to eq(1)
    expect(program.port).not_to eq(@passed.first.addr[1])
  end

  it 'loses no connection when it is started again: the socket stays with systemd' do
    program = activated(TCPServer.new('127.0.0.1', 0)).ready
    address = program.address
    program.stop
    client = HttpServer::Client.open(address)
    client.send_request('GET')
    second = activated(*@passed).ready
    expect(client.response.body).to eq(second.workers.first.to_s)
  end

  { 'a file' => -> { File.open(File::NULL) }, 'a socket that does not listen' => -> { UDPSocket.new } }.each do |what, io|
    it "says so when it is passed #{what}" do
      @passed = [io.call]
      status, log = activated(*@passed).then { |program| [program.wait.exitstatus, program.log] }
      expect([status, log]).to match([1, %r{cannot listen at fd://3: descriptor 3 is no listening socket$}])
    end
  end
end
