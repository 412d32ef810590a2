# frozen_string_literal: true

module Polyphony
  class Redis
    # Commands for which the server lets one wait. Each takes a connection of the pool meanwhile: mind `size:`. When its
    # fiber is stopped, the connection is closed, which ends the wait on the server, too.
    #
    # What a list has given in that very moment is lost with the connection. Where nothing may be lost, move it to a
    # list of the worker's own (BLMOVE), or use a stream with a group: {Streams#each_entry}.
    module Blocking
      # Sends a command that may take long.
      #
      # @param timeout [Numeric, nil] seconds that the command was told to wait at most, which are added to the time
      #   that a reply may take; nil or 0: without limit
      # @param command [Array]
      # @return [Object]
      # @raise [RedisClient::ReadTimeoutError] when the server says nothing even then
      # @raise [RedisClient::Error] as {Calls#call}
      # @suspends until a connection is free, and the reply there
      def blocking_call(timeout, *command, **options)
        timeout && Polyphony.duration(timeout, 'timeout')
        with { |client| client.blocking_call(timeout || 0, *command, **options) }
      end

      # Takes the first element of the first list that has one.
      #
      # @param keys [Array<String, Symbol>]
      # @param timeout [Numeric, nil] seconds; nil: without limit
      # @return [Array(String, String), nil] key and element; nil when the time is over
      # @raise [RedisClient::Error]
      # @suspends until there is one
      def blpop(*keys, timeout: nil) = blocking_call(timeout, 'BLPOP', keys, timeout || 0)

      # As {#blpop}, from the other end.
      #
      # @return [Array(String, String), nil]
      # @suspends until there is one
      def brpop(*keys, timeout: nil) = blocking_call(timeout, 'BRPOP', keys, timeout || 0)

      # Moves an element from one list to another.
      #
      # @param source [String, Symbol]
      # @param destination [String, Symbol]
      # @param from [Symbol, String] :left or :right
      # @param to [Symbol, String] :left or :right
      # @param timeout [Numeric, nil] seconds; nil: without limit
      # @return [String, nil] the element; nil when the time is over
      # @raise [RedisClient::Error]
      # @suspends until there is one
      def blmove(source, destination, from: :left, to: :right, timeout: nil)
        blocking_call(timeout, 'BLMOVE', source, destination, from.to_s.upcase, to.to_s.upcase, timeout || 0)
      end

      # Takes the member with the lowest score of the first sorted set that has one.
      #
      # @param keys [Array<String, Symbol>]
      # @param timeout [Numeric, nil] seconds; nil: without limit
      # @return [Array(String, String, Float), nil] key, member, score; nil when the time is over
      # @raise [RedisClient::Error]
      # @suspends until there is one
      def bzpopmin(*keys, timeout: nil) = blocking_call(timeout, 'BZPOPMIN', keys, timeout || 0)

      # As {#bzpopmin}, with the highest score.
      #
      # @return [Array(String, String, Float), nil]
      # @suspends until there is one
      def bzpopmax(*keys, timeout: nil) = blocking_call(timeout, 'BZPOPMAX', keys, timeout || 0)
    end
    private_constant :Blocking
  end
end
