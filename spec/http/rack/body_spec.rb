# frozen_string_literal: true

require 'tempfile'
require_relative '../../support/rack_app'

RSpec.describe 'Bodies of Rack', :fibers do
  body = RackApp::Body

  # Both ways: with a wrapper around the body, as most apps have one, and without.
  def answers(app, path = '/', **options)
    [true, false].map do |lint|
      server = rack(app, lint: lint)
      response = server.get(path, **options)
      expect(server.log).to eq('')
      [response.status, response.body, response['content-length'], response['transfer-encoding']]
    end.uniq
  end

  it 'as Arrays have a length' do
    expect(answers(->(_) { [200, {}, ['hello']] })).to eq([[200, 'hello', '5', nil]])
    expect(answers(->(_) { [201, {}, %w[a b c]] })).to eq([[201, 'abc', '3', nil]])
    expect(answers(->(_) { [404, {}, []] })).to eq([[404, '', '0', nil]])
    expect(answers(->(_) { [200, {}, ['x' * 100_000, '', 'y' * 100_000]] })).to eq([[200, ('x' * 100_000) + ('y' * 100_000), '200000', nil]])
  end

  it 'that only each come in chunks, or with the length that the app gives' do
    expect(answers(->(_) { [200, {}, body.new('a', '', 'bc')] })).to eq([[200, 'abc', nil, 'chunked']])
    expect(answers(->(_) { [200, { 'content-length' => '3' }, body.new('a', 'bc')] })).to eq([[200, 'abc', '3', nil]])
    expect(answers(->(_) { [200, {}, body.new] })).to eq([[200, '', nil, 'chunked']])
    expect(answers(->(_) { [200, {}, Enumerator.new { |y| 3.times { |n| y << n.to_s } }] })).to eq([[200, '012', nil, 'chunked']])
  end

  it 'with to_ary have a length' do
    array = Class.new(body) { def to_ary = [*enum_for] }
    expect(answers(->(_) { [200, {}, array.new('a', 'bc')] })).to eq([[200, 'abc', '3', nil]])
  end

  it 'that are called stream' do
    app = lambda do |_|
      [200, {}, lambda do |stream|
        stream << 'a' << 'b'
        written = stream.write('c', :d)
        stream.flush
        stream.close_write
        stream.close
        raise "wrong: #{written} #{stream.closed?}" unless written == 2 && stream.closed?
      end]
    end
    expect(answers(app)).to eq([[200, 'abcd', nil, 'chunked']])
    expect(answers(->(_) { [200, { 'content-length' => '1' }, ->(stream) { stream.write('a') }] })).to eq([[200, 'a', '1', nil]])
    expect(answers(->(_) { [200, {}, ->(stream) { stream.close }] })).to eq([[200, '', nil, 'chunked']])
  end

  it 'that are called read what comes meanwhile' do
    app = lambda do |_|
      [200, {}, lambda do |stream|
        stream << 'ready.'
        stream << stream.read(3) << '.' while (more = stream.read_partial(1)) && stream << more
        stream.close_read
        begin
          stream.read
        rescue IOError => e
          stream << e.message
        end
      end]
    end
    client = rack(app, lint: false).connect
    client << "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    expect(client.read_until("ready.\r\n")).to include('200 OK')
    client << "1\r\nx\r\n"
    expect(client.read_until("x\r\n")).to eq("1\r\nx\r\n")
    client << "3\r\nabc\r\n0\r\n\r\n"
    expect(client.rest_of_chunks).to eq('abc.not opened for reading')
  end

  it 'that are called and read first send the header first: a client may wait for it' do
    client = rack { |_| [200, {}, ->(stream) { stream << stream.read.upcase }] }.connect
    client << "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    expect(client.read_until("\r\n\r\n")).to include('200 OK')
    client << "1\r\na\r\n0\r\n\r\n"
    expect(client.rest_of_chunks).to eq('A')
  end

  it 'that are called get 100 for who expects it, before the answer' do
    client = rack { |_| [200, {}, ->(stream) { stream << stream.read.upcase }] }.connect
    client << "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    expect(client.response.status).to eq(100)
    client << 'abc'
    response = client.response
    expect([response.status, response.body, response.keep_alive?]).to eq([200, 'ABC', true])
  end

  it 'that respond to each and call are enumerated' do
    both = Class.new(body) { def call(_) = raise('called') }
    expect(answers(->(_) { [200, {}, both.new('a')] })).to eq([[200, 'a', nil, 'chunked']])
  end

  it 'of files come with their size' do
    Tempfile.create('body') do |file|
      file.write('x' * 300_000)
      file.flush
      with_path = ->(path) { Class.new(body) { define_method(:to_path) { path } } }
      expect(answers(->(_) { [200, {}, with_path.(file.path).new('x' * 300_000)] }))
        .to eq([[200, 'x' * 300_000, '300000', nil]])
      # A part of a file is what each gives; so is what has no file after all.
      expect(answers(->(_) { [206, {}, with_path.(file.path).new('part')] })).to eq([[206, 'part', nil, 'chunked']])
      expect(answers(->(_) { [200, {}, with_path.(nil).new('a')] })).to eq([[200, 'a', nil, 'chunked']])
      expect(rack(->(_) { [200, {}, with_path.('/does/not/exist').new('a')] }, lint: false).get.body).to eq('a')
    end
  end

  it 'of files are served by Rack::Files, in part and whole' do
    Dir.mktmpdir do |dir|
      File.write("#{dir}/a.txt", 'hello world')
      server = rack(Rack::Files.new(dir))
      expect(server.get('/a.txt').body).to eq('hello world')
      part = server.get('/a.txt', headers: { 'Range' => 'bytes=2-4' })
      expect([part.status, part.body, part['content-range']]).to eq([206, 'llo', 'bytes 2-4/11'])
      head = server.connect.request('HEAD', '/a.txt')
      expect([head.status, head['content-length'], head.body]).to eq([200, '11', nil])
    end
  end

  it 'are not sent to HEAD, nor with 204 and 304, and the connection goes on' do
    bodies = { '/array' => ['abc'], '/each' => body.new('abc'), '/call' => ->(stream) { stream << 'abc' } }
    server = rack(lint: false) do |env|
      [Integer(env['QUERY_STRING']), {}, bodies.fetch(env['PATH_INFO'])]
    end
    client = server.connect
    bodies.each_key do |path|
      head = client.request('HEAD', "#{path}?200")
      expect([head.status, head.body]).to eq([200, nil])
      expect(client.get("#{path}?204").status).to eq(204)
      expect(client.get("#{path}?304").status).to eq(304)
    end
    expect([client.get('/array?200').body, server.log]).to eq(['abc', ''])
  end

  it 'end with the connection for HTTP/1.0' do
    client = rack { |_| [200, {}, body.new('a', 'bc')] }.connect
    client << "GET / HTTP/1.0\r\n\r\n"
    expect([client.response.body, client.closed_by_server?]).to eq(['abc', true])
  end

  it 'go out as they come, each piece by itself' do
    queue = Queue.new
    client = rack { |_| [200, {}, Enumerator.new { |y| 2.times { y << queue.pop } }] }.connect
    client.send_request('GET')
    queue << 'one'
    client.read_until("one\r\n")
    queue << 'two'
    expect(client.rest_of_chunks).to eq('two')
  end

  describe 'are closed, once,' do
    it 'when they have been sent, whatever they are' do
      bodies = [body.new('a'), Class.new(body) { def to_ary = ['a'] }.new, [].tap { |array| def array.close = (@calls ||= []) << :close },
                Class.new { attr_reader :calls; def call(_) = @calls = []; def close = @calls << :close }.new]
      left = bodies.dup
      server = rack(->(_) { [200, {}, left.shift] }, lint: false)
      bodies.each { server.get }
      expect(bodies.map { |one| (one.respond_to?(:calls) ? one.calls : one.instance_variable_get(:@calls)).count(:close) }).to eq([1, 1, 1, 1])
    end

    it 'for HEAD, without being enumerated' do
      one = body.new('a')
      rack { |_| [200, {}, one] }.connect.request('HEAD')
      expect(one.calls).to eq([:close])
    end

    it 'when they raise, when the answer cannot be sent, and when the client goes away' do
      bodies = [body.new('a', RuntimeError.new('oops')), body.new('a'), Class.new(body) { def each = loop { yield('x' * 100_000) } }.new]
      left = bodies.dup
      server = rack(->(_) { [200, left.size == 2 ? { 'x' => "a\0b" } : {}, left.shift] }, lint: false)
      server.connect.tap { |client| client.send_request('GET') }.rest
      expect(server.get.status).to eq(500)
      client = server.connect
      client.send_request('GET')
      client.read(10)
      client.reset
      wait_until { bodies.all? { |one| one.calls.include?(:close) } }
      expect(bodies.map { |one| one.calls.count(:close) }).to eq([1, 1, 1])
      expect(server.log.scan(/^polyphony: GET/).size).to eq(2) # that the client goes away is no error
    end

    it 'when the app has hijacked the connection' do
      one = body.new
      server = rack(lint: false) do |env|
        env['rack.hijack'].call.close
        [200, {}, one]
      end
      server.connect.tap { |client| client.send_request('GET') }.rest
      wait_until { !one.calls.empty? }
      expect(one.calls).to eq([:close])
    end
  end
end
