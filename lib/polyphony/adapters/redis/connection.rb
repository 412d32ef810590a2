# frozen_string_literal: true

require_relative 'connection/transfer'

module Polyphony
  class Redis
    # A connection as `redis-client` wants its drivers to have it:
    #
    #   redis = RedisClient.config(driver: :polyphony).new_client
    #
    # Its replies are those of redis-client's own driver. It waits in Polyphony's backend, so it needs Polyphony's
    # scheduler in its thread, which it installs if there is none.
    class Connection
      include ::RedisClient::ConnectionMixin
      include Transfer

      # Replies after which other fibers get their turn: where the server is quick, none is waited for.
      REPLIES_PER_TURN = 64
      # Commands that are encoded before others do.
      COMMANDS_PER_TURN = 1000
      # Seconds after which an unused connection is looked at before it is used again: the server may have gone.
      FRESH = 0.02
      INCOMPLETE = Reader::INCOMPLETE
      private_constant :REPLIES_PER_TURN, :COMMANDS_PER_TURN, :FRESH, :INCOMPLETE

      # The context that redis-client's own driver makes of `ssl_params`.
      #
      # @param params [Hash]
      # @return [OpenSSL::SSL::SSLContext]
      # @suspends no
      def self.ssl_context(params) = ::RedisClient.driver(:ruby).ssl_context(params)

      # @param config [RedisClient::Config]
      # @param connect_timeout [Numeric, nil] seconds
      # @param read_timeout [Numeric, nil] seconds
      # @param write_timeout [Numeric, nil] seconds
      # @raise [RedisClient::CannotConnectError]
      # @suspends until connected
      def initialize(config, connect_timeout:, read_timeout:, write_timeout:)
        super(config)
        @connect_timeout = connect_timeout
        @read_timeout = read_timeout
        @write_timeout = write_timeout
        connect
      end

      # @return [Wire]
      # @api private
      attr_reader :wire
      # @return [Reader]
      # @api private
      attr_reader :reader
      # @return [Numeric, nil] seconds
      attr_writer :read_timeout, :write_timeout

      # @return [Boolean]
      # @suspends no
      def connected? = !@wire.closed?

      # @return [nil]
      # @suspends no
      def close
        @wire.close
        super
      end

      # Whether it can be used again: not if replies are still due, if a command went out in part, or if the server
      # has closed it meanwhile.
      #
      # @return [Boolean]
      # @suspends no
      def revalidate
        close if @torn || (Polyphony.now - @used_at > FRESH && @wire.readable?)
        super
      end

      # @param command [Array<String>]
      # @return [void]
      # @raise [RedisClient::ConnectionError]
      # @suspends until the system has taken all of it
      def write(command)
        send_all(Redis.encode_alone(@out, command))
      end

      # @param commands [Array<Array<String>>]
      # @return [void]
      # @raise [RedisClient::ConnectionError]
      # @suspends until the system has taken all of it
      def write_multi(commands)
        commands.each_slice(COMMANDS_PER_TURN).with_index do |slice, turn|
          Polyphony.snooze if turn.positive?
          buffer = ::String.new(capacity: slice.size * 64)
          slice.each { |command| Redis.encode(buffer, command) }
          send_all(buffer)
        end
      end

      # @param timeout [Numeric, nil] seconds that the server may be silent; nil: as the connection has it;
      #   0: without limit
      # @return [Object] a reply; an error as an object
      # @raise [RedisClient::ReadTimeoutError, RedisClient::ConnectionError, RedisClient::ProtocolError]
      # @suspends until the reply is there
      def read(timeout = nil)
        rest if (@replies += 1) >= REPLIES_PER_TURN
        reply = @reader.next
        INCOMPLETE.equal?(reply) ? receive_reply(timeout) : reply
      rescue ::RedisClient::ProtocolError => e
        raise protocol_error(e.message)
      end

      # @return [Float] milliseconds that a PING takes
      # @raise [RedisClient::ConnectionError]
      # @suspends until it is answered
      def measure_round_trip_delay
        start = Polyphony.now
        call(['PING'], @read_timeout)
        (Polyphony.now - start) * 1000
      end

      # @return [String]
      def inspect
        "#<#{self.class} #{config.server_url} #{connected? ? "pending=#{@pending_reads}" : 'closed'}>"
      end
    end
  end
end
