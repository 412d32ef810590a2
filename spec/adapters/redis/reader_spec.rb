# frozen_string_literal: true

require 'objspace'
require 'polyphony/adapters/redis'
require_relative '../../support/run_ruby'

RSpec.describe Polyphony::Redis::Reader do
  let(:incomplete) { described_class::INCOMPLETE }

  def reader(*limits) = described_class.new(RedisClient::CommandError, RedisClient::ProtocolError, *limits)

  # @return [Array] all replies that the bytes hold, which were fed in pieces
  def replies(bytes, size = bytes.bytesize, reader: self.reader)
    bytes.b.scan(/.{1,#{size}}/mn).each_with_object([]) do |piece, found|
      reader.feed(piece)
      until described_class::INCOMPLETE.equal?(reply = reader.next)
        found << reply
      end
    end
  end

  # @return [Array] what redis-client's own driver makes of the same bytes
  def reference(bytes)
    io, other = UNIXSocket.pair
    Thread.new { other.write(bytes) && other.close }
    buffered = RedisClient::RubyConnection::BufferedIO.new(io, read_timeout: 5, write_timeout: 5)
    found = []
    found << RedisClient::RESP3.load(buffered) until buffered.eof?
    found
  ensure
    io.close
  end

  RESP = { # rubocop:disable Lint/ConstantDefinitionInBlock -- to make an example of each
    'statuses' => "+OK\r\n+PONG\r\n+\r\n", 'integers' => ":0\r\n:-5\r\n:9223372036854775807\r\n:-9223372036854775808\r\n",
    'strings' => "$5\r\nhello\r\n$0\r\n\r\n$-1\r\n$2\r\n\r\n\r\n", 'text and other bytes' => "$4\r\nhäh\r\n$2\r\n\xff\xfe\r\n",
    'arrays' => "*2\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n*-1\r\n*1\r\n$-1\r\n", 'nulls and booleans' => "_\r\n#t\r\n#f\r\n*2\r\n_\r\n#t\r\n",
    'doubles' => ",1.5\r\n,inf\r\n,-inf\r\n,-3\r\n,1e10\r\n", 'big numbers' => "(3492890328409238509324850943850943825024385\r\n(-1\r\n",
    'maps' => "%2\r\n$1\r\na\r\n:1\r\n+b\r\n%1\r\n:1\r\n*1\r\n:2\r\n%0\r\n", 'sets' => "~2\r\n:1\r\n$1\r\nx\r\n~0\r\n",
    'verbatim strings' => "=8\r\ntxt:text\r\n=4\r\ntxt:\r\n", 'pushes' => ">3\r\n+message\r\n$1\r\nc\r\n$1\r\np\r\n"
  }.freeze

  RESP.each do |title, bytes|
    it "reads #{title}, in pieces of any size, as redis-client does" do
      expected = reference(bytes)
      [bytes.bytesize, *1..7].each do |size|
        found = replies(bytes, size)
        expect(found).to eq(expected)
        next if RUBY_VERSION < '3.2' # there redis-client, without String#byteindex, has statuses in BINARY

        expect(found.flatten.grep(String).map(&:encoding)).to eq(expected.flatten.grep(String).map(&:encoding))
      end
    end
  end

  it 'makes errors objects, nested ones too' do
    found = replies("-WRONGTYPE no list\r\n*2\r\n:1\r\n-ERR bad\r\n!9\r\nERR x\r\n y\r\n", 3)
    expect(found.flatten.map { |reply| [reply.class, reply.to_s] })
      .to eq([[RedisClient::WrongTypeError, 'WRONGTYPE no list'], [Integer, '1'], [RedisClient::CommandError, 'ERR bad'],
              [RedisClient::CommandError, "ERR x\r\n y"]])
    expect(found.first.code).to eq('WRONGTYPE')
  end

  it 'passes over attributes, wherever they are' do
    expect(replies("|1\r\n+ttl\r\n*1\r\n:3\r\n$1\r\na\r\n*2\r\n|1\r\n+k\r\n|1\r\n+x\r\n+y\r\n:9\r\n:1\r\n:2\r\n|0\r\n:3\r\n", 2)).to eq(['a', [1, 2], 3])
  end

  it 'tells what was sent unasked, what is missing of a string, and whether anything is' do
    it = reader
    expect([it.feed(">1\r\n:1\r\n:2\r\n").next, it.push?, it.next, it.push?]).to eq([[1], true, 2, false])
    expect([it.idle?, it.missing, it.feed("$10\r\nabc").next, it.missing, it.idle?]).to match([true, 0, equal(incomplete), 7, false])
    expect([it.feed("defghij\r\n").next, it.idle?]).to eq(['abcdefghij', true])
    expect([it.feed(">2\r\n:1\r\n").next, it.feed(":2\r\n").next, it.push?]).to match([equal(incomplete), [1, 2], true])
  end

  it 'gives a long string at once when its last byte has come, and never holds more than that' do
    it = reader
    part = 'x' * 100_000
    it.feed("$30000000\r\n")
    expect(Array.new(300) { it.feed(part).next }).to all(equal(incomplete))
    string = it.feed("\r\n").next
    expect([string.bytesize, string.encoding, ObjectSpace.memsize_of(it)]).to match([30_000_000, Encoding::UTF_8, be < 1_000_000])
  end

  { 'a type that there is not' => "hello\r\n", 'nothing before the end of a line' => "\r\n", 'a byte that is zero' => "\0",
    'a length that is none' => "$abc\r\n", 'an empty length' => "$\r\n", 'a negative length' => "$-2\r\n", 'a negative map' => "%-1\r\n",
    'a length beyond 64 bits' => "*99999999999999999999\r\n", 'a number that is none' => ":1a\r\n", 'a number beyond 64 bits' => ":9223372036854775808\r\n",
    'a carriage return alone' => "+a\rb\r\n", 'a string that is longer than announced' => "$2\r\nabc\r\n", 'a boolean of another kind' => "#x\r\n",
    'a null with a value' => "_x\r\n", 'a double that is none' => ",abc\r\n", 'an empty double' => ",\r\n", 'a big number that is none' => "(12x\r\n",
    'an empty big number' => "(-\r\n", 'a verbatim string without format' => "=3\r\nabc\r\n", 'streamed strings' => "$?\r\n",
    'a status that never ends' => "+#{'x' * 70_000}", 'too many elements' => "*9000000000\r\n" }.each do |title, bytes|
    it "refuses #{title}, however it comes, and stays at that" do
      [bytes.bytesize, 1, 1000].each do |size|
        it = reader
        expect { replies(bytes, size, reader: it) }.to raise_error(RedisClient::ProtocolError, /not RESP: /)
        expect { it.feed("+OK\r\n").next }.to raise_error(RedisClient::ProtocolError)
      end
    end
  end

  it 'has limits: bytes of a string, depth of nesting' do
    expect { replies("$11\r\n", reader: reader(10)) }.to raise_error(RedisClient::ProtocolError, /more bytes than the limit/)
    expect(replies("$10\r\n0123456789\r\n", reader: reader(10))).to eq(['0123456789'])
    expect(replies("*1\r\n" * 128 << ":1\r\n").first.flatten).to eq([1])
    expect { replies("*1\r\n" * 129 << ":1\r\n") }.to raise_error(RedisClient::ProtocolError, /nested too deeply/)
  end

  it 'believes no announcement: a gigabyte that never comes takes no memory' do
    before = GC.stat(:malloc_increase_bytes)
    100.times { expect(reader.feed("$536870912\r\nabc").next).to equal(incomplete) }
    100.times { expect(reader.feed("*2000000000\r\n:1\r\n").next).to equal(incomplete) }
    expect(GC.stat(:malloc_increase_bytes) - before).to be < 300_000_000
  end

  it 'cannot go on when no object can be made of an error' do
    failing = Class.new { def self.parse(_) = raise(IOError) }
    it = described_class.new(failing, RedisClient::ProtocolError)
    expect { it.feed("*2\r\n-ERR\r\n:1\r\n").next }.to raise_error(IOError)
    expect { it.next }.to raise_error(RedisClient::ProtocolError)
  end

  # To see them fail: in ext/redis/reader.c, reader_mark without the frames, or without the bulk string;
  # reader_compact without either.
  { 'stress' => 'at every allocation', 'compact' => 'with objects that move', 'verify' => 'moving every object' }.each do |mode, title|
    it "survives garbage collection #{title}" do
      result = run_ruby(File.expand_path('../../support/redis_reader_workload.rb', __dir__), mode, flags: ['--disable-gems'], timeout: 55)
      expect([result.stderr, result.stdout]).to eq(['', "resp: ok\n"])
    end
  end
end
