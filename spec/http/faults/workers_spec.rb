# frozen_string_literal: true

require 'tmpdir'
require_relative '../../support/http_crowd'

# Faults of whole processes, while clients are being served.
RSpec.describe 'Workers under load', timeout: 90 do
  around { |example| Dir.mktmpdir { |dir| (@dir = dir) && example.run } }

  def write_app(version)
    File.write(File.join(@dir, 'app.rb'), <<~RUBY)
      proc do |request|
        case request.path
        when '/version' then request.respond('#{version}')
        when '/pid' then request.respond(Process.pid.to_s)
        when '/block' then loop { nil }
        when '/hold' # says who it is, then waits for a file
          request << Process.pid.to_s << "\\n"
          sleep 0.02 until File.exist?('go')
          request << 'whole'
        else request.respond('hello')
        end
      end
    RUBY
  end

  def start(workers: 3, settings: '')
    write_app(1)
    File.write(File.join(@dir, 'settings.rb'), settings)
    serve_in_child(chdir: @dir, command: ['-b', 'http://127.0.0.1:0', '-w', workers.to_s, '-c', 'settings.rb', 'app.rb'])
  end

  # Connections whose answer has begun, by the worker that holds them: at least one at each of +workers+.
  def hold(server, workers)
    held = Hash.new { |hash, pid| hash[pid] = [] }
    eventually do
      client = server.connect
      client.send_request('GET', '/hold')
      client.read_until("\r\n\r\n")
      held[read_chunk(client).to_i] << client
      held.size >= workers
    end
    held
  end

  def read_chunk(client)
    chunk = client.read(Integer(client.read_until("\r\n").chomp, 16))
    client.read(2)
    chunk.end_with?("\n") || chunk == 'whole' ? chunk : chunk + read_chunk(client)
  end

  def let_go = File.write(File.join(@dir, 'go'), '')

  def whole?(client)
    client.read_until("\r\n0\r\n\r\n").end_with?("whole\r\n0\r\n\r\n")
  rescue StopIteration, Errno::ECONNRESET
    false
  end

  def pids(server) = Array.new(30) { fetch(server, '/pid').body.to_i }.uniq

  # @return [Array<Integer>] all of them: one may take all connections for a while
  def workers(server, count)
    seen = []
    eventually { (seen |= pids(server)).size >= count }
    seen.sort
  end

  it 'one that is killed loses its own requests only, and is replaced' do
    server = start
    clients = crowd(server)
    held = hold(server, 3)
    clients.await(200)
    victim = held.keys.first
    Process.kill(:KILL, victim)
    eventually { server.log.include?("(#{victim}) ended: killed by SIGKILL") }
    errors = clients.errors.size
    clients.await(500)
    expect(clients.errors.size).to eq(errors) # and none since
    expect(clients.stop.size).to be <= 4 # one for each client, which was being served there
    let_go
    expect(held.to_h { |pid, some| [pid, some.map { |client| whole?(client) }.uniq] })
      .to eq(held.keys.to_h { |pid| [pid, [pid != victim]] })
    eventually { (pids(server) - held.keys).size == 1 } # the new one serves
  end

  it 'are all replaced by HUP, again and again, without a refused connection or a lost request' do
    server = start(workers: 2)
    clients = crowd(server)
    held = hold(server, 2)
    (2..4).each do |version|
      write_app(version)
      clients.await(100)
      server.signal(:HUP)
      eventually { server.log.scan('reloaded: ').size == version - 1 }
      clients.await(100)
      eventually { Array.new(10) { fetch(server, '/version').body }.uniq == [version.to_s] }
    end
    expect(clients.stop).to eq([])
    figure("#{clients.served} requests during 3 reloads, none lost")
    let_go
    expect(held.values.flatten.map { |client| whole?(client) }).to all(be(true))
  end

  it 'stay when the new app is broken; the next one that is not, is served' do
    server = start(workers: 2)
    before = workers(server, 2)
    clients = crowd(server)
    ["raise 'no app today'", 'syntax error (', "require 'no_such_thing'", 'exit 7', '42'].each_with_index do |app, i|
      File.write(File.join(@dir, 'app.rb'), app)
      server.signal(:HUP)
      eventually { server.log.scan('not reloaded, everything stays as it is').size > i }
      clients.await(50)
    end
    expect(workers(server, 2)).to eq(before)
    write_app(2)
    server.signal(:HUP)
    eventually { fetch(server, '/version').body == '2' && (pids(server) & before).empty? }
    expect(clients.stop).to eq([])
    expect(server.log).to include('no app today')
  end

  it 'finish what they have begun on TERM; only new connections are refused' do
    server = start(workers: 2)
    clients = crowd(server)
    held = hold(server, 2)
    clients.await(200)
    server.signal(:TERM)
    eventually { server.log.include?('stopping') }
    let_go
    expect(server.wait.exitstatus).to eq(0)
    expect(held.values.flatten.map { |client| whole?(client) }).to all(be(true))
    expect(clients.stop.grep_v(/ECONNREFUSED/)).to eq([])
    expect(server.log).not_to include('were cut')
  end

  it 'that does not let its fibers run any more is killed and replaced; the others go on' do
    server = start(workers: 2, settings: 'worker_timeout 3')
    held = hold(server, 2)
    blocked = server.connect
    blocked.send_request('GET', '/block')
    eventually { server.log =~ /\((\d+)\) gave no sign of life for 3 s: killed/ }
    victim = server.log[/\((\d+)\) gave no sign of life/, 1].to_i
    expect(whole?(blocked)).to be(false)
    let_go
    expect(held.to_h { |pid, some| [pid, some.map { |client| whole?(client) }.uniq] })
      .to eq(held.keys.to_h { |pid| [pid, [pid != victim]] })
    eventually { (pids(server) - held.keys).size == 1 }
  end

  it 'end when the first process is killed, after the requests that they have' do
    server = start(workers: 2)
    held = hold(server, 2)
    Process.kill(:KILL, server.pid)
    eventually { server.log.scan('the first process is gone: stopping').size == 2 }
    let_go
    expect(held.values.flatten.map { |client| whole?(client) }).to all(be(true))
    eventually { held.keys.none? { |pid| File.exist?("/proc/#{pid}/fd/0") } }
    expect { server.connect }.to raise_error(Errno::ECONNREFUSED)
  end

  it 'that is alone finishes what it has begun on TERM' do
    server = start(workers: 0)
    clients = crowd(server)
    held = hold(server, 1)
    clients.await(200)
    server.signal(:TERM)
    eventually { server.log.include?('stopping') }
    let_go
    expect(server.wait.exitstatus).to eq(0)
    expect(held.values.flatten.map { |client| whole?(client) }).to all(be(true))
    expect(clients.stop.grep_v(/ECONNREFUSED/)).to eq([])
  end
end
