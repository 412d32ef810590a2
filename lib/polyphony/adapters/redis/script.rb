# frozen_string_literal: true

require 'digest/sha1'

module Polyphony
  class Redis
    # A Lua script, see {Redis#script}.
    class Script
      # @return [String] its name on the server
      attr_reader :sha
      # @return [String]
      attr_reader :source

      # @api private
      def initialize(redis, source, read_only)
        @redis = redis
        @source = source.dup.freeze
        @sha = ::Digest::SHA1.hexdigest(source)
        @suffix = read_only ? '_RO' : ''
        @method = read_only ? :call_idempotent : :call
      end

      # Runs it. What others call meanwhile waits: the server does one thing at a time.
      #
      # @param keys [Array<String, Symbol>] KEYS
      # @param args [Array<String, Symbol, Numeric>] ARGV
      # @return [Object] what it returns
      # @raise [RedisClient::CommandError] its error
      # @raise [RedisClient::ConnectionError] as {Calls#call}
      # @suspends until the reply is there
      def call(keys: [], args: [])
        @redis.public_send(@method, "EVALSHA#{@suffix}", @sha, keys.size, keys, args)
      rescue ::RedisClient::NoScriptError # then nothing has been executed
        @redis.public_send(@method, "EVAL#{@suffix}", @source, keys.size, keys, args)
      end

      # @return [String]
      # @suspends no
      def inspect = "#<#{self.class} #{@sha}>"
    end
  end
end
