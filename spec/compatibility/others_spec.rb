# frozen_string_literal: true

require_relative '../support/compatibility'

RSpec.describe 'mail', compatibility: 'works' do
  # Takes one message a connection.
  def smtp_sink(received)
    serve_each do |client|
      client.write("220 sink\r\n")
      while (line = client.gets)
        case line
        when /\A(EHLO|HELO)/ then client.write("250 sink\r\n")
        when /\ADATA/
          client.write("354 go on\r\n")
          message = +''
          message << line until (line = client.gets) == ".\r\n"
          received << message
          client.write("250 taken\r\n")
        when /\AQUIT/ then break client.write("221 bye\r\n")
        else client.write("250 fine\r\n")
        end
      end
    end
  end

  it 'delivers over SMTP' do
    require 'mail'
    received = Queue.new
    through_gate(smtp_sink(received)) do |port|
      mail = Mail.new(from: 'a@example.com', to: 'b@example.com', subject: 'Hello', body: 'World')
      mail.delivery_method(:smtp, address: '127.0.0.1', port: port, enable_starttls: false)
      mail.deliver!
    end
    expect(received.pop).to match(/Subject: Hello.*World/m)
  end
end

RSpec.describe 'net-ssh', compatibility: 'works' do
  def write_keys(dir)
    %w[host user].each { |name| system(executable('ssh-keygen'), '-q', '-t', 'ecdsa', '-m', 'PEM', '-N', '', '-f', "#{dir}/#{name}") }
    File.write("#{dir}/keys", File.read("#{dir}/user.pub"))
  end

  def sshd(dir)
    write_keys(dir)
    port = unused_port
    File.write("#{dir}/config", <<~TEXT)
      ListenAddress 127.0.0.1:#{port}
      HostKey #{dir}/host
      AuthorizedKeysFile #{dir}/keys
      PidFile none
      StrictModes no
      UsePAM no
    TEXT
    FileUtils.mkdir_p('/run/sshd') if Process.uid.zero?
    start_server(executable('sshd'), '-D', '-f', "#{dir}/config", port: port)
    port
  end

  it 'runs a command' do
    require 'etc'
    require 'net/ssh'
    Dir.mktmpdir do |dir|
      port = sshd(dir)
      output = through_gate(port) do |gate|
        options = { port: gate, keys: ["#{dir}/user"], keys_only: true, verify_host_key: :never, config: false, use_agent: false,
                    non_interactive: true, auth_methods: %w[publickey] }
        Net::SSH.start('127.0.0.1', Etc.getpwuid.name, options) { |ssh| ssh.exec!('echo $((6 * 7))').to_s }
      end
      expect(output).to eq("42\n")
    end
  end
end

RSpec.describe 'sidekiq', compatibility: 'works' do
  it 'pushes a job' do
    require 'sidekiq'
    redis = server_url('REDIS_URL')
    queue = "polyphony#{Process.pid}"
    id = through_gate(redis) do |port|
      Sidekiq.default_configuration.logger.level = Logger::ERROR
      Sidekiq.configure_client { |config| config.redis = { url: "redis://127.0.0.1:#{port}/0", driver: :ruby } }
      Sidekiq::Client.push('class' => 'NobodysJob', 'args' => [1], 'queue' => queue)
    ensure
      Sidekiq.default_configuration.redis_pool.shutdown(&:close)
    end
    pushed = RedisClient.config(url: redis, driver: :ruby).new_client.call('LPOP', "queue:#{queue}")
    expect(JSON.parse(pushed)).to include('jid' => id, 'class' => 'NobodysJob', 'args' => [1])
  end
end

RSpec.describe 'concurrent-ruby', compatibility: 'works' do
  it 'waits for promises, futures, and what else it has to wait for' do
    require 'concurrent'
    gate = Queue.new
    values = beside_ticker(-> { 2.times { gate << :open } }) do
      promise = Concurrent::Promises.future { gate.pop }.then { |value| [value, 1] }
      [promise.value!, Concurrent::Future.execute { gate.pop }.value]
    end
    expect(values).to eq([[:open, 1], :open])
    latch = Concurrent::CountDownLatch.new
    expect(beside_ticker(latch.method(:count_down)) { latch.wait }).to be(true)
    event = Concurrent::Event.new
    expect(beside_ticker(event.method(:set)) { event.wait(10) }).to be(true)
  end
end

RSpec.describe 'connection_pool', compatibility: 'works' do
  it 'waits for a connection' do
    require 'connection_pool'
    pool = ConnectionPool.new(size: 1, timeout: 10) { Object.new }
    free = Queue.new
    taken = Queue.new
    thread = Thread.new { pool.with { |connection| taken << connection && free.pop } }
    first = taken.pop
    expect(beside_ticker(-> { free << nil }) { pool.with(&:itself) }).to be(first)
    thread.join
  end

  it 'gives each fiber its own, and times out' do
    require 'connection_pool'
    pool = ConnectionPool.new(size: 2, timeout: 0.05) { Object.new }
    log = []
    in_scheduler do
      2.times { Fiber.schedule { pool.with { |connection| log << connection && sleep(0.2) } } }
      Fiber.schedule { pool.with { log << :never } rescue log << $!.class } # rubocop:disable Style/RescueModifier -- as one fiber
    end
    expect([log.first(2).uniq.size, log.last]).to eq([2, ConnectionPool::TimeoutError])
  end
end
