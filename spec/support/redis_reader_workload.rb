# frozen_string_literal: true

# Makes the reader and the encoder of Redis do all they can while objects are made, moved and freed, and feeds them
# nonsense: run by spec/adapters/redis/reader_spec.rb, and by `rake memory:asan` and `memory:valgrind` for errors that
# show in no result.
#
#   ruby -I lib -I tmp/ext/RUBY_VERSION spec/support/redis_reader_workload.rb plain|stress|compact|verify [rounds] [seed]

require 'polyphony/redis_ext'

module RedisReaderWorkload
  Redis = Polyphony::Redis
  Failure = Class.new(StandardError) { def self.parse(message) = new(message) }
  Wrong = Class.new(StandardError)
  GROW = { (GC.method(:verify_compaction_references).parameters.any? { |_, name| name == :expand_heap } ? :expand_heap : :double_heap) => true }.freeze

  BYTES = "%2\r\n$3\r\nkey\r\n*3\r\n$40\r\n#{'v' * 40}\r\n~2\r\n:1\r\n,1.5\r\n-ERR nested\r\n+other\r\n(123456789012345678901234567890\r\n" \
          "|1\r\n+a\r\n*1\r\n+b\r\n>2\r\n+push\r\n=7\r\ntxt:abc\r\n*-1\r\n$0\r\n\r\n_\r\n#t\r\n!5\r\nERR x\r\n$3000\r\n#{'ü' * 1500}\r\n".b.freeze

  EXPECTED = '[{"key"=>["vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv", [1, 1.5], "ERR nested"], "other"=>123456789012345678901234567890}, ' \
             "[\"push\", \"abc\"], nil, \"\", nil, true, \"ERR x\", \"#{'ü' * 1500}\"]".freeze

  module_function

  def churn(mode, step)
    case mode
    # The first time with a heap that grows: each further time would double it.
    when 'verify' then GC.verify_compaction_references(toward: :empty, **(@grown ? {} : GROW)) && @grown = true if (step % 60).zero?
    when 'compact' then GC.compact if (step % 5).zero?
    end
  end

  # Replies out of pieces, as text.
  def replies(bytes, piece, mode)
    reader = Redis::Reader.new(Failure, Wrong)
    found = []
    bytes.scan(/.{1,#{piece}}/mn).each_with_index do |part, step|
      reader.feed(part)
      churn(mode, step)
      until Redis::Reader::INCOMPLETE.equal?(reply = reader.next)
        found << reply
      end
    end
    found
  end

  def words(object)
    case object
    when Failure then object.message
    when Array then object.map { |element| words(element) }
    when Hash then object.transform_values { |element| words(element) }
    else object
    end
  end

  def run(mode, piece)
    found = words(replies(BYTES, piece, mode)).inspect.gsub(' => ', '=>')
    raise "pieces of #{piece}: #{found}" unless found == EXPECTED

    encoded = Redis.encode(String.new, ['SET', :k, 1, 2.5, { a: 1 }, [10**20]], { ex: 1, nx: true, no: nil })
    raise encoded unless encoded.start_with?("*10\r\n$3\r\nSET\r\n$1\r\nk\r\n") && encoded.end_with?("$21\r\n100000000000000000000\r\n$2\r\nex\r\n$1\r\n1\r\n$2\r\nnx\r\n")
  end

  # Good bytes with some changed, left out, or put in: anything may come of it, but a crash.
  def nonsense(random)
    bytes = BYTES.dup
    random.rand(1..5).times do
      at = random.rand(bytes.bytesize)
      case random.rand(4)
      when 0 then bytes.setbyte(at, random.rand(256))
      when 1 then bytes.slice!(at, random.rand(1..9))
      when 2 then bytes.insert(at, ["$9999999999\r\n", "*3\r\n", "|1\r\n", "%1\r\n", "\r", "\n", '-', '0', "\0", "$-1\r\n", "*0\r\n"].sample(random: random).b)
      else bytes = bytes.byteslice(0, at) + bytes.byteslice(random.rand(bytes.bytesize), bytes.bytesize)
      end
      break if bytes.empty?
    end
    replies(bytes, [1, 2, 7, 100, 10_000].sample(random: random), nil)
  rescue Wrong
    nil
  end
end

mode, rounds, seed = ARGV
GC.stress = true if mode == 'stress'
(mode == 'stress' ? [13, 5000] : [1, 3, 1000, 5000]).each { |piece| RedisReaderWorkload.run(mode, piece) }
GC.stress = false
random = Random.new((seed || 1).to_i)
(rounds || 300).to_i.times { RedisReaderWorkload.nonsense(random) }
puts 'resp: ok'
