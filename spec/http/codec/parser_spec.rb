# frozen_string_literal: true

require_relative '../../support/http_codec'

RSpec.describe Polyphony::HTTP::HTTP1::Parser, :codec do
  let(:parser) { described_class.new }
  let(:limits) { Polyphony::HTTP::HTTP1::Limits }
  let(:get) { "GET / HTTP/1.1\r\nHost: a\r\n\r\n" }
  let(:post) { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n" }

  it 'tells idle connections from slow ones' do
    expect([parser.started?, parser.complete?, parser.buffered]).to eq([false, true, 0])
    parser.feed('G')
    parser.next_head
    expect([parser.started?, parser.complete?, parser.buffered]).to eq([true, true, 1])
    parser.feed("#{get[1..]}GE")
    expect(parser.next_head.path).to eq('/')
    expect([parser.started?, parser.buffered]).to eq([true, 2])
  end

  it 'does not look at the next head before the body is taken' do
    parser.feed("#{post}hello#{get}")
    parser.next_head
    expect { parser.next_head }.to raise_error(ArgumentError, /body .* not complete/)
    expect(parser.read_body).to eq('hello')
    expect(parser.next_head.method).to eq('GET')
  end

  it 'gives at most as much of a body as is asked for, into a buffer if there is one' do
    parser.feed("#{post}hello")
    parser.next_head
    buffer = +'é'
    expect(parser.read_body(2, buffer)).to equal(buffer)
    expect([buffer, buffer.encoding, parser.remaining]).to eq(['he', Encoding::BINARY, 3])
    expect([parser.read_body(2), parser.read_body(2), parser.read_body(2), parser.remaining, parser.complete?]).to eq(['ll', 'o', nil, 0, true])
    expect { parser.read_body(0) }.to raise_error(ArgumentError, /positive/)
    parser.feed("#{post}x")
    parser.next_head
    expect { parser.read_body(1, 'frozen'.dup.freeze) }.to raise_error(FrozenError)
    expect { parser.read_body(1, 1) }.to raise_error(TypeError)
    expect(parser.read_body).to eq('x')
  end

  it 'leaves long bodies to be read elsewhere' do
    parser.feed("#{post}he")
    parser.next_head
    expect { parser.bypass(1) }.to raise_error(ArgumentError, /buffered/)
    parser.read_body
    expect { parser.bypass(4) }.to raise_error(ArgumentError, /more than remains/)
    parser.bypass(1).bypass(2)
    expect([parser.complete?, parser.remaining]).to eq([true, 0])
    parser.feed(get)
    expect(parser.next_head.method).to eq('GET')
  end

  it 'keeps no memory for an idle connection' do
    require 'objspace'
    empty = ObjectSpace.memsize_of(parser)
    parser.feed("#{post}#{'x' * 5}")
    parser.next_head
    parser.trim
    expect(ObjectSpace.memsize_of(parser)).to be > empty
    parser.read_body
    expect(ObjectSpace.memsize_of(parser.trim)).to eq(empty)
    parser.feed(get)
    expect(parser.next_head.method).to eq('GET')
  end

  it 'reuses its buffer however many requests come' do
    require 'objspace'
    parser.feed(get * 3)
    3.times { parser.next_head }
    size = ObjectSpace.memsize_of(parser)
    10_000.times do
      parser.feed("#{get}GET / ")
      parser.next_head
      parser.feed(get.delete_prefix('GET / '))
      parser.next_head
    end
    expect(ObjectSpace.memsize_of(parser)).to eq(size)
  end

  it 'makes heads of the class that it is told to' do
    mine = Class.new(Polyphony::HTTP::HTTP1::RequestHead) { def shout = path.upcase }
    parser = described_class.new(limits::DEFAULT, mine).feed("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    expect(parser.next_head.shout).to eq('/A')
    expect { described_class.new(limits::DEFAULT, String) }.to raise_error(TypeError)
    expect { described_class.new(limits::DEFAULT, 1) }.to raise_error(TypeError)
    expect { described_class.new(1) }.to raise_error(TypeError)
    expect { described_class.allocate.feed('') }.to raise_error(ArgumentError, /uninitialized/)
    expect { parser.dup }.to raise_error(NoMethodError)
    expect { mine.new }.to raise_error(TypeError, /allocator/)
  end

  it 'says what it waits for' do
    expect(parser.inspect).to match(/HTTP1::Parser expects=head buffered=0>/)
  end

  describe 'limits' do
    # Exactly at the limit all is well, and one more is too many.
    def at_limit(status, name, most, within, **others)
      expect(read_every_way(yield(within), **{ limits: { name => most, **others } }).last.first).to eq(:end)
      events = read_every_way(yield(within + 1), limits: { name => most, **others })
      expect(events.last.first(2)).to eq([:error, status])
    end

    it('target: 414') { at_limit(414, :target, 20, 19) { |n| "GET /#{'x' * n} HTTP/1.1\r\nHost: a\r\n\r\n" } }
    it('head: 431') { at_limit(431, :head, 100, 100 - 28) { |n| "GET / HTTP/1.1\r\nHost: a\r\nX:#{' ' * (n - 3)}\r\n\r\n" } }
    it('fields: 431') { at_limit(431, :fields, 10, 9) { |n| "GET / HTTP/1.1\r\nHost: a\r\n#{"X: 1\r\n" * n}\r\n" } }
    it('body: 413') { at_limit(413, :body, 10, 10) { |n| "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: #{n}\r\n\r\n#{'x' * n}" } }
    it('chunk_line: 400') { at_limit(400, :chunk_line, 20, 16) { |n| "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0;#{'x' * n}\r\n\r\n" } }
    it('trailer: 431') { at_limit(431, :trailer, 20, 13) { |n| "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: #{'1' * n}\r\n\r\n" } }
    it('trailer_fields: 431') { at_limit(431, :trailer_fields, 3, 3) { |n| "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n#{"X: 1\r\n" * n}\r\n" } }

    it 'body, in chunks: 413, before the chunk is read' do
      chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      expect(read_every_way("#{chunked}5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", limits: { body: 10 }).last).to eq([:end, {}])
      events = read_every_way("#{chunked}5\r\nhello\r\n6\r\n", limits: { body: 10 })
      expect(events.map { |event| event.first(2) }).to match([[:head, Hash], [:body, 'hello'], [:error, 413]])
      expect(read_every_way("#{chunked}7fffffffffffffff\r\n", limits: { body: 10 }).last[1]).to eq(413)
      expect(read_every_way("#{chunked}1\r\na\r\n7fffffffffffffff\r\n").last[1]).to eq(413)
    end

    it 'hold for what never ends, in little memory' do
      require 'objspace'
      { "GET /#{'x' * 1000}" => 414, "GET / HTTP/1.1\r\nHost: a\r\nX: #{'x' * 1000}" => 431, "GET / HTTP/1.1\r\n#{"X: 1\r\n" * 100}" => 431 }.each do |start, status|
        parser = described_class.new
        piece = start[-6, 6] * 200
        expect do
          parser.feed(start)
          100_000.times { parser.next_head ? raise('a head') : parser.feed(piece) }
        end.to raise_error(Polyphony::HTTP::ProtocolError) { |error| expect(error.status).to eq(status) }
        expect(ObjectSpace.memsize_of(parser)).to be < 70_000
      end
    end

    it 'are checked' do
      expect(limits.new(head: 1000).head).to eq(1000)
      expect(limits::DEFAULT.inspect).to include('target=8192').and include('body=nil')
      expect { limits.new(heads: 1) }.to raise_error(ArgumentError, /no limit named heads; there are: target, head/)
      expect { limits.new(head: 0) }.to raise_error(ArgumentError, /head must be from 1 to/)
      expect { limits.new(fields: 2000) }.to raise_error(ArgumentError, /fields must be from 1 to 1024/)
      expect { limits.new(head: nil) }.to raise_error(TypeError, /head must be an Integer, not nil/)
      expect { limits.new(head: 1.5) }.to raise_error(TypeError)
      expect(limits.new(body: 0).body).to eq(0)
      expect(read('', limits: { fields: 1024, head: 1 << 24, body: 1 << 62 })).to eq([])
    end
  end
end
