# frozen_string_literal: true

require_relative 'link/call'
require_relative 'link/roles'
require_relative 'link/ending'

module Polyphony
  class Redis
    # One connection that the fibers of a thread share. Commands go out in the order they were given, and replies
    # come in that order: so the oldest call is whom a reply is for.
    #
    # No fiber of its own does the work, but those that wait: one of them writes what all have given since
    # the last write, after it let the others go on once; one of them reads, and hands out the replies of all. Whoever
    # has got its reply, or is interrupted, leaves that to another one that waits.
    #
    # A call that nobody waits for any more stays in line when it was sent, and its reply is dropped; when it was not,
    # it is taken back.
    # @api private
    class Link
      include Roles
      include Ending

      # @return [Integer] commands sent so far, and the writes they took
      attr_reader :count, :batches

      # @param client [RedisClient] connected; the connection is the link's from now on
      # @param timeout [Numeric, nil] seconds that a reply may take
      def initialize(client, timeout)
        @client = client
        @config = client.config
        @connection = client.disable_reconnection { |connection| connection }
        @wire = @connection.wire
        @reader = @connection.reader
        @timeout = timeout
        @calls = []
        @out = ::String.new(capacity: 1024)
        @batch = @count = @batches = 0
        @written = 0 # bytes of @sending
        @flushing = @reading = false
        @heard = Polyphony.now
      end

      # Sends a command, and waits for its reply.
      #
      # @param command [Array]
      # @param options [Hash, nil]
      # @return [Object]
      # @raise [RedisClient::Error] the reply, if it is an error
      # @raise [RedisClient::TimeoutError, Unanswered, Unsent]
      # @raise [ArgumentError, TypeError] for a command that is none
      # @suspends until the reply is there
      def call(command, options)
        call = enqueue(command, options)
        wait(call)
        reply = call.reply
        ::Exception === reply ? fail_with(reply, call) : reply
      end

      # While no reply is due nobody reads: only a look tells that the server has gone.
      #
      # @return [Boolean] whether further commands can be sent
      # @suspends no
      def open?
        return false if @ending

        retire if @calls.empty? && @wire.readable?
        !@ending
      end

      # @return [Integer] replies that are due
      # @suspends no
      def pending = @calls.size

      private

      INCOMPLETE = Reader::INCOMPLETE
      REASON = :'reply of Redis'
      private_constant :INCOMPLETE, :REASON

      def enqueue(command, options)
        life = Scheduler.handle || Lifecycle.current
        offset = @out.bytesize
        Redis.encode(@out, command, options)
        deadline = @timeout && (Polyphony.now + @timeout)
        @count += 1
        @calls.push(call = Call.new(life, command, deadline, @batch, offset))
        call
      end

      def wait(call)
        until call.settled
          if !@flushing && unwritten? then flush(call)
          elsif !@reading then read(call)
          else Scheduler.park(REASON)
          end
        end
      ensure
        abandon(call) unless call.settled
        leave
      end

      # The fiber was interrupted.
      def abandon(call)
        call.settle(nil)
        take_back(call) if call.batch == @batch
      end

      # Nothing of it has been sent.
      def take_back(call)
        index = @calls.rindex(call)
        later = @calls[index + 1]
        size = (later ? later.offset : @out.bytesize) - call.offset
        @out = @out.byteslice(0, call.offset) << @out.byteslice(call.offset + size, @out.bytesize)
        @calls.delete_at(index)
        @calls.drop(index).each { |other| other.offset -= size }
      end

      def fail_with(error, call)
        if error.is_a?(::RedisClient::Error)
          error._set_config(@config)
          from_server(error, call) if error.respond_to?(:_set_command)
        end
        raise error
      end

      # One that says that this is no place for commands any more (READONLY) is a ConnectionError.
      def from_server(error, call)
        error._set_command(call.command)
        retire if error.is_a?(::RedisClient::ConnectionError)
      end
    end
    private_constant :Link
  end
end
