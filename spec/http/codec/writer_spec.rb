# frozen_string_literal: true

require_relative '../../support/http_codec'
require 'net/http'
require 'stringio'
require 'time'

RSpec.describe Polyphony::HTTP::HTTP1::Writer, :codec do
  let(:writer) { described_class.new }
  let(:response_error) { Polyphony::HTTP::ResponseError }

  def request(line = 'GET / HTTP/1.1', *fields)
    Polyphony::HTTP::HTTP1::Parser.new.feed([line, 'Host: a', *fields, '', ''].join("\r\n")).next_head
  end

  let(:get) { request }

  # What is to be written, the date as DATE.
  def output
    Array(writer.output).join.gsub(/date: (\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT)/, 'date: DATE')
  end

  def lines(text)
    text.gsub("\n", "\r\n")
  end

  describe '#retract' do
    it 'takes back the last response, whatever is before it and however long it is' do
      [['a', 'b'], ['a' * 20_000, 'b'], ['a', 'b' * 20_000], ['a' * 20_000, 'b' * 20_000], ['a', ['b' * 9000, 'b', 'b' * 9000]]].each do |first, second|
        writer.respond(get, 200, {}, first)
        pending = writer.pending
        writer.respond(get, 200, { 'x' => 'y' }, second)
        expect([writer.retract, writer.pending]).to eq([true, pending])
        writer.respond(get, 404, {}, 'c')
        expect(output).to eq(lines("HTTP/1.1 200 OK\ndate: DATE\ncontent-length: #{first.size}\n\n#{first}HTTP/1.1 404 Not Found\ndate: DATE\ncontent-length: 1\n\nc"))
      end
    end

    it 'does not when it has been taken, is none, or goes out in pieces' do
      expect(writer.retract).to be(false)
      writer.respond(get, 200, {}, 'a')
      writer.output
      expect(writer.retract).to be(false)
      writer.respond(get, 200, {}, 'a')
      writer.start(get, 200, {})
      expect([writer.retract, writer.pending.positive?]).to eq([false, true])
      writer.finish
      expect(writer.retract).to be(false)
    end

    it 'does so after it has given its memory back' do
      writer.respond(get, 200, {}, 'a')
      expect(writer.trim.pending).to be_positive # what is to be written stays
      writer.output
      writer.trim.respond(get, 200, {}, 'b')
      expect([writer.retract, writer.pending]).to eq([true, 0])
    end

    it 'does so once' do
      2.times { writer.respond(get, 200, {}, 'a') }
      expect([writer.retract, writer.retract]).to eq([true, false])
    end
  end

  describe '#respond' do
    it 'writes status, fields, date, length and body' do
      writer.respond(get, 200, { 'content-type' => 'text/plain', 'set-cookie' => %w[a=1 b=2] }, 'hello')
      expect(output).to eq(lines("HTTP/1.1 200 OK\ncontent-type: text/plain\nset-cookie: a=1\nset-cookie: b=2\ndate: DATE\ncontent-length: 5\n\nhello"))
      expect([writer.output, writer.pending, writer.keep_alive?]).to eq([nil, 0, true])
    end

    it 'takes fields as pairs, and bodies as an Array or as nothing' do
      writer.respond(get, 404, [%w[a 1], %w[a 2]], %w[not\  found])
      expect(output).to eq(lines("HTTP/1.1 404 Not Found\na: 1\na: 2\ndate: DATE\ncontent-length: 9\n\nnot found"))
      writer.respond(get, 500, nil)
      expect(output).to eq(lines("HTTP/1.1 500 Internal Server Error\ndate: DATE\ncontent-length: 0\n\n"))
      writer.respond(get, 299, {}, [])
      expect(output).to start_with("HTTP/1.1 299 \r\n")
    end

    it 'leaves a date of the application alone' do
      writer.respond(get, 200, { 'Date' => 'today' })
      expect(output).to include("Date: today\r\n").and satisfy { |text| text.scan(/date:/i).size == 1 }
    end

    it 'gathers responses to pipelined requests' do
      3.times { |i| writer.respond(get, 200, {}, i.to_s) }
      expect(writer.pending).to be > 100
      expect(output.scan(/\r\n\r\n(\d)/).flatten).to eq(%w[0 1 2])
    end

    it 'hands on long bodies without copying them, in order, as they were' do
      long = +('x' * 100_000)
      writer.respond(get, 200, {}, 'first')
      writer.respond(get, 200, {}, [long, 'short', 'y' * 9000])
      writer.respond(get, 200, {}, 'last')
      expect(writer.pending).to be > 109_000
      long.replace('changed')
      parts = writer.output
      expect(parts).to be_an(Array).and all(be_frozen)
      expect(parts.map(&:size).max).to eq(100_000)
      expect(parts.join).to match(/first.*content-length: 109005\r\n\r\nx{100000}shorty{9000}HTTP.*last\z/m)
    end

    it 'gives no body where there is none' do
      writer.respond(request('HEAD / HTTP/1.1'), 200, {}, 'hello')
      expect(output).to end_with("content-length: 5\r\n\r\n")
      writer.respond(request('HEAD / HTTP/1.1'), 200, {})
      expect(output).to end_with("DATE\r\n\r\n")
      writer.respond(request('HEAD / HTTP/1.1'), 200, { 'content-length' => '7' }, '')
      expect(output).to end_with("content-length: 7\r\n\r\n")
      writer.respond(get, 204, {}, 'x')
      expect(output).to eq(lines("HTTP/1.1 204 No Content\ndate: DATE\n\n"))
      writer.respond(get, 205, {}, 'x')
      expect(output).to eq(lines("HTTP/1.1 205 Reset Content\ndate: DATE\ncontent-length: 0\n\n"))
      writer.respond(get, 304, { 'etag' => '"1"', 'content-length' => '10' }, 'x')
      expect(output).to eq(lines("HTTP/1.1 304 Not Modified\netag: \"1\"\ndate: DATE\ncontent-length: 10\n\n"))
    end

    it 'takes a Content-Length that is right, and refuses any other' do
      writer.respond(get, 200, { 'content-length' => '5' }, 'hello')
      expect(output.scan(/content-length: 5/i).size).to eq(1)
      %w[4 6 0 x -5 +5 5,5].push('', '5 ').each do |length|
        expect { writer.respond(get, 200, { 'Content-Length' => length }, 'hello') }.to raise_error(response_error, /content-length/i)
      end
      expect { writer.respond(get, 200, { 'content-length' => %w[5 5] }, 'hello') }.to raise_error(response_error)
      expect { writer.respond(get, 204, { 'content-length' => '5' }) }.to raise_error(response_error)
      expect(writer.output).to be_nil
    end

    it 'says whether the connection goes on' do
      {
        ['GET / HTTP/1.1', {}] => [nil, true], ['GET / HTTP/1.1', { 'connection' => 'close' }] => ['close', false],
        ['GET / HTTP/1.1', { 'Connection' => 'Close' }] => ['close', false], ['GET / HTTP/1.1', { 'connection' => 'keep-alive' }] => [nil, true],
        ["GET / HTTP/1.1\r\nConnection: close", {}] => ['close', false], ['GET / HTTP/1.0', {}] => ['close', false],
        ["GET / HTTP/1.0\r\nConnection: keep-alive", {}] => ['keep-alive', true]
      }.each do |(line, fields), (connection, goes_on)|
        writer = described_class.new
        writer.respond(request(line), 200, fields)
        text = writer.output
        expect([line, fields, text[/^connection: (.*)\r/i, 1], writer.keep_alive?]).to eq([line, fields, connection, goes_on])
        expect(text.scan(/connection:/i).size).to be <= 1
      end
    end

    it 'closes when it was told to, and without a request' do
      writer.last!
      writer.respond(get, 200, {})
      expect(output).to include("connection: close\r\n")
      other = described_class.new
      other.respond(nil, 400, {}, 'bad')
      expect([other.output[/connection: .*/], other.keep_alive?]).to eq(["connection: close\r", false])
    end

    it 'refuses what would be another response, and takes back what it had written of it' do
      writer.respond(get, 200, {}, 'before')
      {
        { 'a' => "1\r\nset-cookie: x" } => /the value of a has a line break/, { 'a' => "1\n" } => /the value of a/,
        { 'a' => "1\r" } => /a has/, { 'a' => "1\0" } => /control/, { 'a' => "x\x7f" } => /control/, { 'b' => ['1', "2\n"] } => /the value of b/,
        { "a\r\nb" => '1' } => /"a\\r\\nb" is no name/, { 'a b' => '1' } => /no name/, { 'a:' => '1' } => /no name/, { '' => '1' } => /no name/,
        { 'ä' => '1' } => /no name/, { a: '1' } => /:a is no String/, { 'a' => 1 } => /must be a String or an Array/, { 'a' => nil } => /must be a String/,
        { 'a' => [1] } => /must be a String/, { 'transfer-encoding' => 'chunked' } => /set by the server/, [['a']] => /no pair/, [1] => /no pair/, 'a: 1' => /must be a Hash/
      }.each do |fields, message|
        expect { writer.respond(get, 200, fields, 'never') }.to raise_error(response_error, message)
      end
      expect(output.scan(/HTTP/).size).to eq(1)
      writer.respond(get, 200, { 'x' => "caf\u00e9\t." }, '')
      expect(output).to include("x: caf\u00e9\t.\r\n".b)
    end

    it 'refuses statuses and bodies that are none' do
      [199, 100, 600, 0, '200', nil, 200.5, 2**70].each { |status| expect { writer.respond(get, status, {}) }.to raise_error(response_error, /status .* not from 200 to 599/) }
      [1, :a, {}, [1], [nil]].each { |body| expect { writer.respond(get, 200, {}, body) }.to raise_error(TypeError, /body/) }
      expect { writer.respond(1, 200, {}) }.to raise_error(TypeError)
      expect { writer.respond(get, 200) }.to raise_error(ArgumentError)
      expect(writer.output).to be_nil
    end
  end

  describe '#start, #write, #finish' do
    it 'writes chunks, and trailers' do
      writer.start(get, 200, { 'trailer' => 'x-sum' }).write('hello').write('').write(+'y' * 20).finish('x-sum' => '1')
      expect(output).to eq(lines("HTTP/1.1 200 OK\ntrailer: x-sum\ndate: DATE\ntransfer-encoding: chunked\n\n5\nhello\n14\n#{'y' * 20}\n0\nx-sum: 1\n\n"))
      expect([writer.keep_alive?, writer.started?]).to eq([true, false])
    end

    it 'frames long chunks around the String' do
      long = 'z' * 70_000
      writer.start(get, 200, {}).write(long)
      parts = writer.output
      expect(parts.size).to eq(3)
      expect(parts[1]).to eq(long)
      expect(parts.join).to end_with("11170\r\n#{long}\r\n")
    end

    it 'counts what Content-Length announces' do
      writer.start(get, 200, { 'content-length' => '5' }).write('he').write('llo').finish
      expect(output).to end_with("content-length: 5\r\n\r\nhello")
      writer.start(get, 200, { 'content-length' => '5' }).write('hell')
      expect { writer.write('oo') }.to raise_error(response_error, /1 bytes too many/)
      expect(writer.keep_alive?).to be(false)
      other = described_class.new
      other.start(get, 200, { 'content-length' => '5' }).write('hell')
      expect { other.finish }.to raise_error(response_error, /1 bytes are missing/)
      expect([other.keep_alive?, other.started?]).to eq([false, false])
    end

    it 'ends with the connection for HTTP/1.0' do
      writer.start(request('GET / HTTP/1.0', 'Connection: keep-alive'), 200, {}).write('hello').finish('x' => '1')
      expect(output).to eq(lines("HTTP/1.1 200 OK\ndate: DATE\nconnection: close\n\nhello"))
      expect(writer.keep_alive?).to be(false)
    end

    it 'keeps an HTTP/1.0 connection if the length is known' do
      writer.start(request('GET / HTTP/1.0', 'Connection: keep-alive'), 200, { 'content-length' => '2' }).write('ab').finish
      expect(output).to end_with("connection: keep-alive\r\n\r\nab")
    end

    it 'writes no body where there is none' do
      writer.start(request('HEAD / HTTP/1.1'), 200, {}).write('hello').finish('x' => '1')
      expect(output).to eq(lines("HTTP/1.1 200 OK\ndate: DATE\n\n"))
      writer.start(get, 304, {}).write('hello').finish
      writer.start(get, 204, {}).write('hello').finish
      expect(output).not_to match(/hello|transfer|length/)
      writer.start(get, 205, {}).write('hello').finish
      expect(output).to end_with("content-length: 0\r\n\r\n")
      writer.start(request('HEAD / HTTP/1.1'), 200, { 'content-length' => '5' }).finish
      expect(output).to end_with("content-length: 5\r\n\r\n")
      expect { writer.start(get, 204, { 'content-length' => '5' }) }.to raise_error(response_error, /204/)
      expect(writer.keep_alive?).to be(true)
    end

    it 'opens a tunnel for CONNECT' do
      connect = Polyphony::HTTP::HTTP1::Parser.new.feed("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n").next_head
      writer.start(connect, 200, {}).write("\x16raw")
      expect(output).to end_with("\r\n\r\n\x16raw").and satisfy { |text| !text.match?(/transfer-encoding|content-length/) }
      writer.finish
      expect(writer.keep_alive?).to be(false)
      other = described_class.new
      other.respond(connect, 200, {})
      expect(other.keep_alive?).to be(false)
    end

    it 'keeps to the order of things' do
      expect { writer.write('x') }.to raise_error(response_error, /no response was started/)
      expect { writer.finish }.to raise_error(response_error, /no response was started/)
      writer.start(get, 200, {})
      expect { writer.respond(get, 200, {}) }.to raise_error(response_error, /before is not finished/)
      expect { writer.start(get, 200, {}) }.to raise_error(response_error, /before is not finished/)
      expect { writer.inform(get, 103) }.to raise_error(response_error, /before is not finished/)
      expect { writer.write(1) }.to raise_error(TypeError)
      expect(writer).to be_started
      writer.abort
      expect([writer.started?, writer.keep_alive?]).to eq([false, false])
      expect(output).not_to include("0\r\n")
    end

    it 'refuses trailers that are none, and can still be finished' do
      writer.start(get, 200, {}).write('x')
      [{ 'a' => "1\n" }, { 'content-length' => '1' }, { 'transfer-encoding' => 'x' }, { 'a b' => '1' }].each do |trailers|
        expect { writer.finish(trailers) }.to raise_error(response_error)
      end
      writer.finish
      expect(output).to end_with("1\r\nx\r\n0\r\n\r\n")
    end
  end

  describe '#inform and #upgrade' do
    it 'writes interim responses' do
      writer.inform(get, 100)
      writer.inform(get, 103, 'link' => ['</a>; rel=preload', '</b>; rel=preload'])
      expect(output).to eq(lines("HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nlink: </a>; rel=preload\nlink: </b>; rel=preload\n\n"))
      writer.inform(request('GET / HTTP/1.0'), 103)
      expect(writer.output).to be_nil
      expect { writer.inform(get, 101) }.to raise_error(response_error, /#upgrade/)
      expect { writer.inform(get, 200) }.to raise_error(response_error)
      expect { writer.inform(get, 103, 'a' => "\n") }.to raise_error(response_error)
      expect(writer.output).to be_nil
    end

    it 'switches protocols if the client has asked for it' do
      asking = request('GET / HTTP/1.1', 'Connection: upgrade', 'Upgrade: websocket')
      writer.upgrade(asking, 'websocket', 'sec-websocket-accept' => 'x')
      expect(output).to eq(lines("HTTP/1.1 101 Switching Protocols\nsec-websocket-accept: x\ndate: DATE\nupgrade: websocket\nconnection: upgrade\n\n"))
      expect(writer.keep_alive?).to be(false)
      [get, nil].each { |head| expect { writer.upgrade(head, 'x') }.to raise_error(response_error, /not asked/) }
      expect { writer.upgrade(asking, "x\r\n") }.to raise_error(response_error, /no name of a protocol/)
      expect(writer.output).to be_nil
    end
  end

  it 'tells the date as HTTP does' do
    expect(Polyphony::HTTP::HTTP1.date).to match(/\A(Sun|Mon|Tue|Wed|Thu|Fri|Sat), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT\z/)
    expect(Time.httpdate(Polyphony::HTTP::HTTP1.date)).to be_within(3).of(Time.now)
  end

  it 'says what it is at' do
    expect(writer.start(get, 200, {}).inspect).to match(/HTTP1::Writer chunked pending=\d+>/)
  end

  it 'is understood by Net::HTTP' do
    writer.respond(get, 200, { 'content-type' => 'text/plain' }, 'whole')
    writer.start(get, 201, {}).write('in ').write('pieces').finish('x' => '1')
    io = Net::BufferedIO.new(StringIO.new(Array(writer.output).join))
    bodies = Array.new(2) do
      response = Net::HTTPResponse.read_new(io)
      [response.code, response.reading_body(io, true) { response.body }]
    end
    expect(bodies).to eq([%w[200 whole], ['201', 'in pieces']])
  end
end
