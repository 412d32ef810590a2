# frozen_string_literal: true

require 'stringio'
require_relative '../../support/rack_app'

RSpec.describe 'Answers of Rack', :fibers do
  def answer(status, headers, body = [], **options)
    server = rack(->(_) { [status, headers, body] }, lint: false)
    [server.get('/', **options), server.log]
  end

  it 'have a field for each value of an Array, and for each line as in Rack 2' do
    [{ 'set-cookie' => %w[a=1 b=2] }, { 'set-cookie' => "a=1\nb=2" }].each do |headers|
      [[], Enumerator.new { |_| nil }].each do |body|
        response, log = answer(200, headers.freeze, body)
        expect([response.fields.select { |name, _| name == 'set-cookie' }, log]).to eq([[%w[set-cookie a=1], %w[set-cookie b=2]], ''])
      end
    end
  end

  it 'may have names in capitals, statuses as text and values that are no Strings, as those of Rack 2' do
    server = rack(->(_) { ['201', { 'Content-Type' => 'text/plain', 'X-Number' => [5], 'X-Nil' => nil, 'Content-Length' => 2 }, ['ab']] }, lint: false)
    client = server.connect
    client.send_request('GET')
    head = client.read_until("\r\n\r\n")
    expect(head.lines(chomp: true).values_at(0, 1, 2)).to eq(['HTTP/1.1 201 Created', 'Content-Type: text/plain', 'X-Number: 5'])
    expect([head.scan(/content-length/i).size, head.include?('X-Nil'), client.read(2)]).to eq([1, false, 'ab'])
  end

  it 'keep what is meant for the server from the client' do
    [['a'], Enumerator.new { |y| y << 'a' }].each do |body|
      response, = answer(200, { 'rack.other' => 'x', 'x' => 'y', 'rack.hijack' => nil }, body)
      expect([response.fields.map(&:first) & %w[rack.other x rack.hijack], response.body]).to eq([%w[x], 'a'])
    end
  end

  it 'that cannot be sent become 500, and the log says why' do
    {
      [99, {}] => /status 99/, [nil, {}] => /no array of status|status/, [100, {}] => /status 100/, [1000, {}] => /status 1000/,
      [101, {}] => /status 101/, [200, nil] => /no array of status/, [200, { 'a b' => 'c' }] => /no name/,
      [200, { 'a' => "b\0" }] => /control character/, [200, { 'a' => "b\rc" }] => /control character/,
      [200, { 'transfer-encoding' => 'chunked' }] => /set by the server/, [200, { 'content-length' => '7' }] => /content-length/
    }.each do |(status, headers), reason|
      response, log = answer(status, headers, ['abc'])
      expect([response.status, response.keep_alive?, log]).to match([500, false, reason])
    end
    [nil, 'text', [200], Object.new].each do |wrong|
      server = rack(->(_) { wrong }, lint: false)
      expect([server.get.status, server.log]).to match([500, /no array of status, headers and body/])
    end
    expect(answer(200, {}, Object.new)).to match([have_attributes(status: 500), /a body must have each or call/])
    expect(answer(200, {}, [:symbol])).to match([have_attributes(status: 500), /Array of Strings/])
  end

  it 'of apps that raise before a piece was sent are 500' do
    apps = [->(_) { raise 'oops' }, ->(_) { raise NotImplementedError, 'oops' }, ->(_) { [200, {}, RackApp::Body.new(RuntimeError.new('oops'))] },
            ->(_) { [200, {}, ->(_stream) { raise 'oops' }] }]
    apps.each do |app|
      server = rack(app)
      response = server.get
      expect([response.status, response.body]).to eq([500, "500 Internal Server Error\n"])
      expect(server.log.scan('oops').size).to eq(1)
      expect(server.log).to include('polyphony: GET /: ')
    end
  end

  it 'of apps that raise later end without the end' do
    late = ->(stream) { (stream << 'abc') && raise('oops') }
    [RackApp::Body.new('abc', RuntimeError.new('oops')), late].each do |body|
      server = rack(->(_) { [200, {}, body] })
      client = server.connect
      client.send_request('GET')
      expect(client.rest).to end_with("\r\n\r\n3\r\nabc\r\n")
      expect(server.log.scan('oops').size).to eq(1)
    end
  end

  it 'may be preceded by early hints' do
    server = rack do |env|
      env['rack.early_hints'].call('link' => ['</a.css>; rel=preload', '</b.js>; rel=preload'])
      [200, {}, ['ok']]
    end
    client = server.connect
    client.send_request('GET')
    hints = client.response
    expect([hints.status, hints.fields]).to eq([103, [['link', '</a.css>; rel=preload'], ['link', '</b.js>; rel=preload']]])
    expect(client.response.body).to eq('ok')
    # HTTP/1.0 has none; Rack 2 gives several in lines.
    server = rack(lint: false) do |env|
      env['rack.early_hints'].call('link' => "a\nb", 'rack.other' => 'c')
      [200, {}, ['ok']]
    end
    client = server.connect
    client.send_request('GET')
    expect([client.response.fields, client.response.status]).to eq([[%w[link a], %w[link b]], 200])
    client << "GET / HTTP/1.0\r\n\r\n"
    expect([client.response.status, server.log]).to eq([200, ''])
  end

  it 'lint whatever the methods are' do
    server = rack { |env| [200, { 'content-type' => 'text/plain' }, [env['REQUEST_METHOD']]] }
    client = server.connect
    %w[GET POST PUT PATCH DELETE OPTIONS TRACE].each { |name| expect(client.request(name, '/', body: 'x').body).to eq(name) }
    expect(server.log).to eq('')
  end

  it 'are sent to pipelined requests in their order, by fibers that wait in between' do
    server = rack { |env| (sleep(0) if env['PATH_INFO'] == '/1') && nil || [200, {}, [env['PATH_INFO']]] }
    client = server.connect
    client << (1..5).map { |n| "GET /#{n} HTTP/1.1\r\nHost: a\r\n\r\n" }.join
    expect((1..5).map { client.response.body }).to eq(%w[/1 /2 /3 /4 /5])
  end

  describe 'when finished' do
    def finished(answer, lint: true)
      calls = []
      errors = StringIO.new
      app = lambda do |env|
        env['rack.response_finished'] << ->(*arguments) { calls << [:first, *arguments] }
        env['rack.response_finished'] << ->(*) { calls << [:second] && raise('in callback') }
        answer.is_a?(Exception) ? raise(answer) : answer
      end
      server = rack(app, lint: lint, errors: errors)
      yield server
      wait_until { calls.size >= 2 }
      expect(errors.string).to include('rack.response_finished: ').and include('in callback')
      expect(calls.map(&:first)).to eq(%i[second first])
      calls.last.drop(1)
    end

    it 'are told to callbacks, last first, one that raises not keeping the others from it' do
      env, status, headers, error = finished([201, { 'a' => 'b' }, ['x']]) { |server| expect(server.get.status).to eq(201) }
      expect([env['PATH_INFO'], status, headers, error]).to eq(['/', 201, { 'a' => 'b' }, nil])
    end

    it 'by what the app raises' do
      error = RuntimeError.new('oops')
      expect(finished(error) { |server| expect(server.get.status).to eq(500) }).to match([Hash, nil, nil, error])
    end

    it 'by what the body raises' do
      error = RuntimeError.new('oops')
      arguments = finished([200, {}, RackApp::Body.new('a', error)]) { |server| server.connect.tap { |client| client.send_request('GET') }.rest }
      expect(arguments).to match([Hash, 200, {}, error])
    end

    it 'by a client that goes away' do
      endless = Enumerator.new { |y| loop { y << ('x' * 100_000) } }
      arguments = finished([200, {}, endless]) do |server|
        client = server.connect
        client.send_request('GET')
        client.read(10)
        client.reset
      end
      expect(arguments.last).to be_a(Polyphony::HTTP::Disconnected)
    end

    it 'come after the answer was sent' do
      queue = Queue.new
      client = rack { |env| (env['rack.response_finished'] << ->(*) { queue.pop }) && [200, {}, ['x']] }.connect
      expect(client.get.body).to eq('x') # or else it would wait for ever
      queue << nil
    end

    it 'are told by Rack::BodyProxy and Rack::TempfileReaper, too' do
      order = []
      app = Rack::Builder.app do
        use(Class.new { def initialize(app, order) = (@app, @order = app, order); def call(env) = @app.call(env).tap { |answer| answer[2] = Rack::BodyProxy.new(answer[2]) { @order << :closed } } }, order)
        use Rack::TempfileReaper
        run ->(env) { (env['rack.response_finished'] << ->(*) { order << :finished }) && [200, {}, ['x']] }
      end
      rack(app).get
      wait_until { order.size == 2 }
      expect(order).to eq(%i[closed finished])
    end
  end
end
