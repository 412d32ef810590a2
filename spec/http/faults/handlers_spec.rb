# frozen_string_literal: true

require_relative '../../support/http_crowd'
require_relative '../../support/virtual_time'

RSpec.describe 'A handler that fails', :fibers do
  odd = Class.new(Exception) # rubocop:disable Lint/InheritException -- what is tried

  # Lines of the log that begin a report.
  def reports(server) = server.lines.grep(/^polyphony: /)

  # name => [what the handler does, what the log says]
  {
    'a StandardError' => [-> { raise 'it broke' }, /it broke \(RuntimeError\)/],
    'a ScriptError' => [-> { raise NotImplementedError, 'not yet' }, /not yet \(NotImplementedError\)/],
    'a NoMemoryError' => [-> { raise NoMemoryError, 'too much' }, /too much \(NoMemoryError\)/],
    'an Exception of its own' => [-> { raise odd, 'odd' }, /odd/],
    'a SystemStackError' => [-> { ->(proc) { proc.call(proc) + 1 }.then { |proc| proc.call(proc) } }, /stack level too deep/],
    'an uncaught throw' => [-> { throw :nobody }, /uncaught throw :nobody/],
    'a time limit of its own' => [-> { Polyphony.cancel_after(0.001) { sleep } }, /Polyphony::Cancel/],
    'a Polyphony::Cancel' => [-> { raise Polyphony::Cancel }, /Polyphony::Cancel/],
    'a Timeout' => [-> { Timeout.timeout(0.001) { sleep } }, /Timeout::Error/],
    'an error that cannot say what it is' => [-> { raise Class.new(StandardError) { def message = raise('no') } }, /cannot say what it is/],
    'a message of broken bytes' => [-> { raise "\xff\xfe broken" }, /\?\? broken/],
    'no answer' => [-> {}, /returned without an answer/],
    'a header with a line break' => [:split, /ResponseError/]
  }.each do |name, (fault, message)|
    it "with #{name}: 500, a report, the connection closed; the server goes on" do
      server = serve do |request|
        next request.respond('hello') unless request.path == '/fault'

        fault == :split ? request.respond('x', { 'x' => "a\r\nb: c" }) : fault.call
      end
      client = server.connect
      expect(client.get.body).to eq('hello')
      response = client.get('/fault')
      expect([response.status, response.body]).to eq([500, "500 Internal Server Error\n"])
      expect(response).not_to be_keep_alive
      expect(client).to be_closed_by_server
      expect(reports(server)).to match([/^polyphony: GET \/fault: /])
      expect(server.log).to match(message)
      expect(server.get.body).to eq('hello')
    end

    next if ['no answer', 'a header with a line break'].include?(name)

    it "with #{name} after its answer: the client has that; a report" do
      server = serve do |request|
        request.respond('hello')
        fault.call unless request.path == '/'
      end
      client = server.connect
      expect(client.get('/fault').body).to eq('hello')
      expect(client).to be_closed_by_server
      expect(reports(server).size).to eq(1)
      expect(server.get.body).to eq('hello')
    end

    it "with #{name} during its answer: the client sees that it is cut; a report" do
      server = serve do |request|
        request << 'hel'
        request.path == '/' ? request << 'lo' : fault.call
      end
      client = server.connect
      client.send_request('GET', '/fault')
      expect(client.read_until("\r\n3\r\nhel\r\n")).to include('HTTP/1.1 200')
      expect(client.rest).to eq('') # and no 0: there is no end
      expect(reports(server).size).to eq(1)
      expect(server.get.body).to eq('hello')
    end
  end

  it 'with a Content-Length that is too long or too short: the connection is closed' do
    server = serve do |request|
      next request.respond('hello') if request.path == '/'

      request.send_headers({ 'content-length' => '10' })
      request << (request.path == '/short' ? 'x' * 5 : 'x' * 15)
    end
    expect(error_of { server.get('/short') }).to be_a(StopIteration)
    expect(error_of { server.get('/long') }).to be_a(StopIteration)
    expect(server.log.scan('Polyphony::HTTP::ResponseError').size).to be >= 2
    expect(server.get.body).to eq('hello')
  end

  it 'after earlier answers of a batch: they arrive, and what follows is not served' do
    served = []
    server = serve do |request|
      served << request.path
      raise 'it broke' if request.path == '/2'

      request.respond(request.path)
    end
    client = server.connect
    client << Array.new(4) { |i| "GET /#{i} HTTP/1.1\r\nHost: localhost\r\n\r\n" }.join
    expect(Array.new(3) { client.response.status }).to eq([200, 200, 500])
    expect(client).to be_closed_by_server
    expect(served).to eq(%w[/0 /1 /2])
  end

  # A fiber that is stopped stops: nobody is left to answer.
  { 'raises Polyphony::Stop' => -> { raise Polyphony::Stop }, 'stops its own fiber' => -> { Polyphony.current.stop } }
    .each do |name, fault|
    it "when it #{name}: its connection is closed, without a report" do
      server = serve { |request| request.path == '/' ? request.respond('hello') : fault.call }
      client = server.connect
      client.send_request('GET', '/stop')
      expect(client).to be_closed_by_server
      expect([server.log, server.get.body]).to eq(['', 'hello'])
    end
  end

  it 'by exit: the client gets 503, and the program ends as `exit` says' do
    server = serve { |request| request.path == '/' ? request.respond('hello') : exit(3) }
    client = server.connect
    client.send_request('GET', '/exit')
    error = error_of { server.fiber.await }
    expect([error.class, error.status]).to eq([SystemExit, 3])
    expect([client.response.status, client.closed_by_server?]).to eq([503, true])
  end

  it 'by exit in a program of its own: ensure blocks run, and the status is that of exit' do
    server = serve_in_child(<<~RUBY)
      next request.respond('hello') if request.path == '/'
      begin
        exit 3
      ensure
        warn 'ensured'
      end
    RUBY
    expect(fetch(server, '/exit').status).to eq(503)
    expect(server.wait.exitstatus).to eq(3)
    expect(server.log).to include('ensured')
  end

  it 'in a child of its fiber: the error comes to the handler' do
    server = serve do |request|
      spin { raise 'in a child' } unless request.path == '/'
      sleep 0.001
      request.respond('hello')
    end
    expect(server.get('/child').status).to eq(500)
    expect(server.log).to match(%r{GET /child: .*in a child \(RuntimeError\)})
    expect(server.get.body).to eq('hello')
  end

  it 'in a child that outlives it: a report, and the connection is closed' do
    gate = Polyphony::Event.new
    server = serve do |request|
      spin { gate.wait && raise('late') } unless request.path == '/'
      request.respond('hello')
    end
    client = server.connect
    expect(client.get('/child').body).to eq('hello')
    gate.set
    expect(client).to be_closed_by_server
    expect(server.log).to include('late (RuntimeError)')
    expect(server.get.body).to eq('hello')
  end

  it 'and leaves children behind: they end with the connection' do
    children = []
    server = serve do |request|
      3.times { children << spin { sleep } }
      snooze
      raise 'it broke' if request.path == '/fault'

      request.respond('hello')
    end
    expect(server.get('/fault').status).to eq(500)
    expect(server.get.status).to eq(200)
    wait_until { children.none?(&:alive?) }
    expect(children.size).to eq(6)
  end

  it 'while earlier answers of the batch are still on their way: pipelined requests whose handlers wait' do
    server = serve do |request|
      snooze
      request.respond(request.path)
    end
    client = server.connect
    client << Array.new(20) { |i| "GET /#{i} HTTP/1.1\r\nHost: localhost\r\n\r\n" }.join
    expect(Array.new(20) { client.response.body }).to eq(Array.new(20) { |i| "/#{i}" })
    expect(server.log).to eq('')
  end

  it 'or waits does not hold up the earlier answers of a batch' do
    gate = Polyphony::Event.new
    server = serve do |request|
      gate.wait if request.path == '/wait'
      request.respond(request.path)
    end
    client = server.connect
    client << %w[/1 /2 /wait /3].map { |path| "GET #{path} HTTP/1.1\r\nHost: localhost\r\n\r\n" }.join
    expect(Array.new(2) { client.response.body }).to eq(%w[/1 /2])
    gate.set
    expect(Array.new(2) { client.response.body }).to eq(%w[/wait /3])
  end

  context 'that never returns', :virtual_time do
    it 'and fails while a log takes no more: its limit ends the connection only' do
      log = Object.new
      def log.write(_text) = sleep(100)
      server = serve(handler_timeout: 5, log: log) { |request| request.path == '/' ? request.respond('hello') : raise('it broke') }
      client = server.connect
      client.send_request('GET', '/fault')
      expect(client).to be_closed_by_server
      expect([time < 10, server.get.body]).to eq([true, 'hello'])
    end

    it 'in time, but answers all the same, because it was shielded: the next request is not struck' do
      server = serve(handler_timeout: 5) do |request|
        Polyphony.shield { sleep 8 } if request.path == '/late'
        request.respond('hello')
      end
      client = server.connect
      expect(client.get('/late').body).to eq('hello')
      3.times { expect(client.get.body).to eq('hello') }
    end

    it 'is given up at the time limit: 503, its ensure blocks run, others are served meanwhile' do
      ensured = []
      server = serve(handler_timeout: 60) do |request|
        next request.respond('hello') if request.path == '/'

        begin
          sleep
        rescue StandardError => e # must not swallow it
          ensured << e
        ensure
          ensured << :ensure
        end
      end
      client = server.connect
      client.send_request('GET', '/never')
      answer = spin { client.response.status }
      answered = 0
      until answer.state == :dead
        answered += 1 if server.get.status == 200
        sleep 1
      end
      expect(answer.await).to eq(503)
      expect(time).to be_between(60, 64)
      expect([answered >= 60, ensured]).to eq([true, [:ensure]])
      expect(server.lines).to eq(['polyphony: GET /never: no answer within 60 s'])
      expect(client).to be_closed_by_server
    end

    it 'and waits again in its ensure block does not hold up the end of the server' do
      server = serve(handler_timeout: 5) do |_|
        sleep
      ensure
        sleep 10
      end
      client = server.connect
      client.send_request('GET')
      expect(client.response.status).to eq(503)
      expect(time).to be_between(15, 19)
    end

    it 'is not struck by its limit in the next request, when it was just in time' do
      server = serve(handler_timeout: 5) do |request|
        sleep(request.path == '/edge' ? 6.0 : 1)
        request.respond('hello')
      end
      client = server.connect
      30.times do |i|
        client = server.connect unless client.get(i % 3 == 1 ? '/edge' : '/').keep_alive?
      end
      expect([server.fiber.alive?, server.get.body]).to eq([true, 'hello'])
    end
  end
end
