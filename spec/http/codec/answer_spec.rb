# frozen_string_literal: true

require_relative '../../support/http_codec'

# What a server has of the codec: heads that know where their answer goes.
RSpec.describe 'Answers at once', :codec do
  http1 = Polyphony::HTTP::HTTP1
  let(:writer) { http1::Writer.new }
  let(:parser) { http1::Parser.new.serve_for(:context, writer) }

  def request(line = 'GET / HTTP/1.1', *fields)
    parser.next_head([line, 'Host: a', *fields, '', ''].join("\r\n"))
  end

  def output
    Array(writer.output).join.sub(/date: .*\r\n/, '')
  end

  it 'are those of Writer#respond' do
    [['GET / HTTP/1.1', 200, {}, 'x'], ['GET / HTTP/1.1', 404, { 'a' => %w[b c] }, %w[x yy]], ['HEAD / HTTP/1.1', 200, {}, 'x' * 10_000],
     ['GET / HTTP/1.0', 200, { 'date' => 'now' }, nil], ['GET / HTTP/1.1', 204, {}, nil], ['GET / HTTP/1.1', 304, {}, []],
     ['GET / HTTP/1.1', 200, { 'content-length' => '2' }, 'xx'], ['GET / HTTP/1.1', 200, { 'connection' => 'close' }, %w[x]],
     ['GET / HTTP/1.1', 200, {}, ['x' * 20_000, 'y']]].each do |line, *answer|
      parser.serve_for(:context, writer = http1::Writer.new)
      other = http1::Writer.new
      head = request(line)
      other.respond(head, *answer)
      expect([head.context, head.status, head.answer_at_once(*answer), head.status]).to eq([:context, nil, true, answer[0]])
      ours, theirs = [writer, other].map { |one| [[*one.output].join.sub(/date: .*\r\n/, ''), one.keep_alive?] }
      expect(ours).to eq(theirs)
    end
  end

  it 'are none, and leave no trace, where something is unusual or wrong' do
    [[199, {}, ''], [600, {}, ''], ['200', {}, ''], [nil, {}, ''], [200, [], ''], [200, nil, ''], [200, { 'a' => 1 }, ''], [200, { a: '1' }, ''],
     [200, { 'a' => "b\nc" }, ''], [200, { 'a b' => 'c' }, ''], [200, { 'ok' => 'ok', 'transfer-encoding' => 'chunked' }, ''],
     [200, { 'content-length' => '3' }, 'xx'], [200, {}, 1], [200, {}, [1]], [200, {}, [nil]], [200, {}, {}]].each do |answer|
      head = request
      expect([answer, head.answer_at_once(*answer), head.status, writer.pending]).to eq([answer, nil, nil, 0])
      expect(head.answer_at_once(200, {}, 'then')).to be(true)
      expect(output).to end_with("\r\n\r\nthen")
    end
  end

  it 'come once, and not when the request has a body, is over, or has no writer' do
    head = request
    expect([head.answer_at_once(200, {}, 'a'), head.answer_at_once(200, {}, 'b')]).to eq([true, nil])
    head = request
    head.status = 0
    expect([head.status, head.answer_at_once(200, {}, 'b')]).to eq([0, nil])
    expect(request.over.answer_at_once(200, {}, 'b')).to be_nil
    expect(http1::Parser.new.next_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n").answer_at_once(200, {}, 'b')).to be_nil
    expect(request('POST / HTTP/1.1', 'Content-Length: 1').answer_at_once(200, {}, 'b')).to be_nil
    expect(output).to end_with("\r\n\r\na").and satisfy { |text| text.scan('HTTP/1.1').size == 1 }
  end

  it 'come between the pieces of no other' do
    head = request
    writer.start(head, 200, {})
    expect(request.answer_at_once(200, {}, 'x')).to be_nil
  end

  it 'of Rack are Arrays, and nothing that has more to it' do
    array = Class.new(Array)
    closable = ['x'].tap { |body| body.define_singleton_method(:close) {} }
    expect([%w[x], array['x'], closable, 'x', nil].map { |body| request.answer_pieces(200, {}, body) }).to eq([true, nil, nil, nil, nil])
    expect(request.answer_pieces(200, { 'a' => 'b', 'rack.hijack' => -> {} }, [])).to be_nil
  end

  it 'tell the client nothing that is for the server' do
    request.answer_at_once(200, { 'rack.secret' => 'x', 'rack' => 'a', 'rack.' => 'b', 'x-rack.a' => 'c', 'rack.hijack' => 1 }, 'ok')
    expect(output).to match(/rack: a.*rack\.: b.*x-rack\.a: c/m).and satisfy { |text| !text.match?(/secret|hijack/) }
    writer.start(request('GET /1 HTTP/1.1'), 200, 'rack.secret' => 'x')
    writer.finish('rack.secret' => 'y')
    expect(output).not_to include('secret')
  end

  it 'know who needs nothing more' do
    head = request
    expect(parser.settled?(head)).to be(false)
    head.answer_at_once(200, {}, 'x')
    expect(parser.settled?(head)).to be(true)
    started = request
    writer.start(started, 200, {})
    started.status = 200
    expect(parser.settled?(started)).to be(false)
    writer.finish
    expect(parser.settled?(started)).to be(true)
    with_body = request('POST / HTTP/1.1', 'Content-Length: 1')
    writer.respond(with_body, 200, {}, 'x')
    with_body.status = 200
    expect(parser.settled?(with_body)).to be(false)
    parser.feed('x')
    parser.read_body
    expect(parser.settled?(with_body)).to be(true)
    writer.respond(request, 200, {}, 'x' * 70_000)
    expect(parser.settled?(with_body)).to be(false) # it is time to write
    writer.output
    writer.last!
    expect(parser.settled?(with_body)).to be(false)
  end

  it 'want a writer' do
    expect { http1::Parser.new.serve_for(nil, 1) }.to raise_error(TypeError)
    expect { parser.settled?(1) }.to raise_error(TypeError)
  end

  it 'tell plain requests from others' do
    expect(request).to be_plain
    expect(request('GET / HTTP/1.1', 'Connection: upgrade', 'Upgrade: x')).not_to be_plain
    expect(request('POST / HTTP/1.1', 'Content-Length: 1')).not_to be_plain
  end

  describe 'Writer#output with a buffer' do
    it 'puts one String into it, replacing what was there' do
      buffer = String.new('old' * 1000)
      request.answer_at_once(200, {}, 'new')
      expect(writer.output(buffer)).to equal(buffer)
      expect([buffer[/\A.*/], buffer[-3..], writer.output(buffer)]).to eq(["HTTP/1.1 200 OK\r", 'new', nil])
      request.answer_at_once(200, {}, 'x' * 8000)
      expect(writer.output(small = String.new(capacity: 1)).size).to be > 8000
      expect(small).to end_with('x' * 8000)
    end

    it 'leaves it alone when there are several, and loses nothing to one that is frozen' do
      request.answer_at_once(200, {}, 'x' * 20_000)
      expect(writer.output(buffer = String.new('old'))).to be_an(Array)
      expect(buffer).to eq('old')
      request.answer_at_once(200, {}, 'x')
      expect { writer.output('frozen') }.to raise_error(FrozenError)
      expect(output).to end_with("\r\n\r\nx")
    end
  end
end
