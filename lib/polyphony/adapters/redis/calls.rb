# frozen_string_literal: true

module Polyphony
  class Redis
    # Single commands.
    module Calls
      # Sends a command, and waits for its reply. Hashes and Arrays in it are taken for their elements; an option that
      # is true gives its name, nil and false nothing: `call('SET', 'k', 1, nx: true, ex: 10)`.
      #
      # The calls of all fibers of the thread share a connection. When that breaks before the reply has come, a command
      # that only reads is sent again, others are not: {Unanswered}. A fiber that is interrupted gets no reply, and
      # disturbs nobody; a command that had been sent is executed all the same.
      #
      # A command that blocks (BLPOP, XREAD with BLOCK) takes a connection of the pool, without time limit.
      #
      # @param command [Array<String, Symbol, Integer, Float, Array, Hash>]
      # @param options [Hash]
      # @return [Object] as redis-client gives it
      # @raise [RedisClient::CommandError] the server's answer, for the fiber whose command it was
      # @raise [RedisClient::TimeoutError] when there was no reply in time; the connection stays in step
      # @raise [Unanswered] when the connection broke and the command may have been executed
      # @raise [RedisClient::CannotConnectError] after the attempts of `reconnect_attempts:`
      # @raise [ArgumentError, TypeError] for what is no command, and for what changes the connection (SELECT, MULTI …)
      # @raise [Polyphony::Closed] after {#close}
      # @suspends until the reply is there
      def call(*command, **options)
        send_command(command, options.empty? ? nil : options, nil)
      end

      # As {#call}, with an Array.
      #
      # @param command [Array]
      # @return [Object]
      # @suspends until the reply is there
      def call_v(command)
        send_command(command, nil, nil)
      end

      # As {#call}, for a command that may be executed twice: it is sent again when the connection broke before the
      # reply came.
      #
      # @return [Object]
      # @suspends until the reply is there
      def call_idempotent(*command, **options)
        send_command(command, options.empty? ? nil : options, true)
      end

      # As {#call}, but never sent again, even if it only reads.
      #
      # @return [Object]
      # @suspends until the reply is there
      def call_once(*command, **options)
        send_command(command, options.empty? ? nil : options, false)
      end

      private

      def send_command(command, options, repeat)
        kind = Commands.kind(command)
        Commands.refuse(command) if kind == :stateful
        return apart(command, options, kind) unless @pipeline && kind != :blocking

        pipe.call(command, options, repeat.nil? ? kind == :reading : repeat)
      end

      # On a connection of the pool.
      def apart(command, options, kind)
        return with { |client| client.blocking_call(0, *command, **options || {}) } if kind == :blocking

        with { |client| options ? client.call(*command, **options) : client.call_v(command) }
      end
    end
    private_constant :Calls
  end
end
