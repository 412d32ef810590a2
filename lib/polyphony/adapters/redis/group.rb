# frozen_string_literal: true

module Polyphony
  class Redis
    # Entries of a stream, as a consumer of a group: first what it has left unacknowledged, then what is new, and now
    # and then what others have left.
    # @api private
    class GroupReader < StreamReader
      # Seconds between two looks for what others have left, at least.
      CLAIM_PAUSE = 0.1
      # Where XAUTOCLAIM begins, and is when it is through.
      START = '0-0'
      private_constant :CLAIM_PAUSE, :START

      # @param options [Hash] group:, consumer:, claim: in seconds or nil, ack:
      def initialize(redis, stream, from, count, options)
        super(redis, stream, from, count)
        @group = options[:group]
        @consumer = options[:consumer]
        @claim = options[:claim]
        @ack = options[:ack]
        @own = '0' # what was left is looked for after this id; nil: no more
        @cursor = START
      end

      private

      def fetch
        make_group unless @made
        entries = @own ? left_over : []
        entries = taken_over if entries.empty? && claim?
        entries.empty? ? fresh : entries
      end

      # The server may have lost it meanwhile (FLUSHALL, a failover): then it is made again.
      def make_group
        @redis.call_idempotent('XGROUP', 'CREATE', @stream, @group, @last, 'MKSTREAM')
        @made = true
      rescue ::RedisClient::CommandError => e
        raise unless e.message.start_with?('BUSYGROUP')

        @made = true
      end

      def left_over
        reply = @redis.call('XREADGROUP', 'GROUP', @group, @consumer, 'COUNT', @count, 'STREAMS', @stream, @own)
        entries = reply ? reply.to_a.first.last : []
        @own = entries.empty? ? nil : entries.last.first
        entries
      end

      def claim?
        @claim && (@cursor != START || @claimed.nil? || Polyphony.now - @claimed >= [@claim, CLAIM_PAUSE].max)
      end

      def taken_over
        @claimed = Polyphony.now
        idle = (@claim * 1000).ceil
        @cursor, entries = @redis.call_idempotent('XAUTOCLAIM', @stream, @group, @consumer, idle, @cursor,
                                                  'COUNT', @count)
        entries
      end

      def fresh
        wait = @claim ? @claim.clamp(CLAIM_PAUSE, WAIT) : WAIT
        wait_for('XREADGROUP', 'GROUP', @group, @consumer, 'COUNT', @count, 'BLOCK', (wait * 1000).ceil,
                 'STREAMS', @stream, '>')
      rescue ::RedisClient::CommandError => e
        raise unless e.message.start_with?('NOGROUP')

        @made = false
        []
      end

      def handle(id, fields, block)
        block.call(id, fields)
        @patience.try { @redis.call_idempotent('XACK', @stream, @group, id) } if @ack
      end
    end
    private_constant :GroupReader
  end
end
