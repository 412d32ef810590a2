# frozen_string_literal: true

require_relative '../../support/http_server'

# Who may stop a server, and servers beside other things.
RSpec.describe 'A server that is stopped', :fibers do
  def begun(server, path = '/')
    client = server.connect
    client.send_request('GET', path)
    client
  end

  it 'lets requests finish when another fiber stops it, which waits for that' do
    gate = Polyphony::Event.new
    server = serve { |request| gate.wait && request.respond('finished') }
    client = begun(server)
    wait_until { server.server.connections == 1 }
    stopper = Polyphony.spin { server.server.stop && :never }
    wait_until { server.server.draining? }
    expect(stopper.alive?).to be(true)
    gate.set
    expect([client.response.body, stopper.await, server.fiber.await]).to eq(['finished', nil, nil])
  end

  it 'can be stopped by another thread, which waits' do
    gate = Thread::Queue.new
    server = serve { |request| gate.pop && request.respond('finished') }
    client = begun(server)
    wait_until { server.server.connections == 1 }
    order = Thread::Queue.new
    thread = Thread.new do
      server.server.stop
      order << :stopped
    end
    wait_until { server.server.draining? }
    expect(order).to be_empty
    gate << true
    expect([client.response.body, server.fiber.await]).to eq(['finished', nil])
    expect(order.pop).to eq(:stopped)
    thread.join
  end

  it 'can be stopped by a fiber of another thread' do
    server = serve { |request| request.respond('x') }
    thread = Polyphony.thread { server.server.stop && :never }
    expect([thread.await, server.fiber.await]).to eq([nil, nil])
  end

  it 'can be stopped by the handler of a signal, which does not wait' do
    gate = Polyphony::Event.new
    server = serve { |request| gate.wait && request.respond('finished') }
    client = begun(server)
    wait_until { server.server.connections == 1 }
    handled = nil
    before = trap(:USR2) do
      server.server.stop
      handled = true
    end
    Process.kill(:USR2, Process.pid)
    wait_until { handled && server.server.draining? }
    gate.set
    expect([client.response.body, server.fiber.await]).to eq(['finished', nil])
    expect { server.connect }.to raise_error(Errno::ECONNREFUSED)
  ensure
    trap(:USR2, before || 'DEFAULT')
  end

  it 'does not begin when it was stopped before it could' do
    server = serve { |request| request.respond('x') }
    before = trap(:USR2) { server.server.stop }
    Process.kill(:USR2, Process.pid)
    expect(server.fiber.await).to be_nil
  ensure
    trap(:USR2, before || 'DEFAULT')
  end

  it 'can be stopped by a handler of requests, whose answer still arrives' do
    server = serve do |request|
      request.respond('the last one')
      server.server.stop
    end
    expect(server.get.body).to eq('the last one')
    expect(server.fiber.await).to be_nil
  end

  it 'can be stopped twice, before it ran, and after it ended' do
    server = Polyphony::HTTP::Server.new(bind: 'http://127.0.0.1:0', log: nil) { |request| request.respond('x') }.listen
    expect(server.stop).to be_nil
    running = serve { |request| request.respond('x') }
    Array.new(2) { Polyphony.spin { running.server.stop } }.each(&:await)
    expect([running.fiber.await, running.server.stop]).to eq([nil, nil])
  end

  it 'is one of several in a process, each with its own limits, and the others go on' do
    one = serve(body_bytes: 1) { |request| request.respond(request.body.read) }
    two = serve { |request| request.respond(request.body.read) }
    send = ->(server) { server.connect.request('POST', '/', body: 'four') }
    expect([send.call(one).status, send.call(two).body]).to eq([413, 'four'])
    one.server.stop
    expect(send.call(two).body).to eq('four')
    expect { one.connect }.to raise_error(Errno::ECONNREFUSED)
  end

  it 'shares its thread with what else the program does' do
    ticks = 0
    ticker = Polyphony.spin { loop { Polyphony.snooze; ticks += 1 } }
    server = serve { |request| request.respond('x') }
    before = ticks
    expect(server.get.body).to eq('x')
    expect(ticks).to be > before
    ticker.stop
  end

  it 'ends with the fiber that serves; Polyphony::HTTP.serve returns nil when that fiber is stopped' do
    done = nil
    fiber = Polyphony.spin do
      Polyphony::HTTP.serve(bind: 'http://127.0.0.1:0', log: nil) { |request| request.respond('x') }
    ensure
      done = true
    end
    wait_until { fiber.waiting_on }
    fiber.stop
    expect([fiber.await, done]).to eq([nil, true])
  end

  it 'removes the file of its unix socket, also when its fiber is stopped' do
    Dir.mktmpdir do |folder|
      path = File.join(folder, 'a.sock')
      ends = [->(server) { server.server.stop }, ->(server) { server.fiber.stop }]
      ends.each do |finish|
        server = serve(bind: "unix://#{path}") { |request| request.respond('x') }
        expect([server.get.body, File.socket?(path)]).to eq(['x', true])
        finish.call(server)
        expect(File.exist?(path)).to be(false)
      end
    end
  end

  it 'leaves the file to the server when a forked child ends' do
    Dir.mktmpdir do |folder|
      path = File.join(folder, 'a.sock')
      server = Polyphony::HTTP::Server.new(bind: "unix://#{path}", log: nil) { |request| request.respond('x') }.listen
      pid = fork do
        server.stop
        exit!(0)
      end
      Process.wait(pid)
      expect(File.socket?(path)).to be(true)
      server.stop
      expect(File.exist?(path)).to be(false)
    end
  end
end
