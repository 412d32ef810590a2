# frozen_string_literal: true

module Polyphony
  class Redis
    # What is known of commands: which only read, and which must not share a connection.
    # @api private
    module Commands
      # Sent again without asking when the connection broke before the reply.
      READING = %w[
        BITCOUNT BITPOS DBSIZE DUMP ECHO EXISTS EXPIRETIME GEODIST GEOHASH GEOPOS GEOSEARCH GET GETBIT GETRANGE HEXISTS
        HGET HGETALL HKEYS HLEN HMGET HRANDFIELD HSCAN HSTRLEN HVALS INFO KEYS LASTSAVE LCS LINDEX LLEN LPOS LRANGE MGET
        PEXPIRETIME PFCOUNT PING PTTL RANDOMKEY SCAN SCARD SDIFF SINTER SINTERCARD SISMEMBER SMEMBERS SMISMEMBER SORT_RO
        SRANDMEMBER SSCAN STRLEN SUNION TIME TOUCH TTL TYPE XINFO XLEN XPENDING XRANGE XREVRANGE ZCARD ZCOUNT ZDIFF
        ZINTER ZINTERCARD ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE ZRANK ZREVRANGE ZREVRANK ZSCAN ZSCORE ZUNION
      ].freeze

      # The server answers nobody else on the connection before they are through.
      BLOCKING = %w[BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF].freeze

      # They change what the connection is, for everybody on it.
      STATEFUL = {
        'MULTI' => 'multi { |transaction| … }', 'EXEC' => 'multi { |transaction| … }',
        'DISCARD' => 'multi { |transaction| … }', 'WATCH' => 'watch(*keys) { … }', 'UNWATCH' => 'watch(*keys) { … }',
        'SUBSCRIBE' => 'subscribe(*channels) { … }', 'PSUBSCRIBE' => 'psubscribe(*patterns) { … }',
        'SSUBSCRIBE' => 'ssubscribe(*channels) { … }',
        'UNSUBSCRIBE' => 'break in the block of subscribe', 'PUNSUBSCRIBE' => 'break in the block of psubscribe',
        'SUNSUBSCRIBE' => 'break in the block of ssubscribe',
        'SELECT' => 'db: of Polyphony::Redis.new', 'AUTH' => 'password: of Polyphony::Redis.new',
        'HELLO' => 'protocol: and password: of Polyphony::Redis.new', 'QUIT' => 'close', 'RESET' => 'close',
        'MONITOR' => 'a RedisClient of its own', 'SYNC' => 'a RedisClient of its own',
        'PSYNC' => 'a RedisClient of its own', 'ASKING' => 'a RedisClient of its own',
        'READONLY' => 'a RedisClient of its own', 'READWRITE' => 'a RedisClient of its own'
      }.freeze

      # Names seen so far, as they were written: a program has few.
      LIMIT = 2000
      private_constant :LIMIT

      @kinds = {}
      [READING => :reading, BLOCKING => :blocking, STATEFUL.keys => :stateful].each do |table|
        table.each { |names, kind| names.each { |name| @kinds[name] = @kinds[name.downcase] = kind } }
      end
      %w[XREAD XREADGROUP CLIENT].each { |name| @kinds[name] = @kinds[name.downcase] = :special }

      # @param command [Array]
      # @return [Symbol] :reading, :blocking, :stateful or :plain
      # @suspends no
      def self.kind(command)
        name = command.first
        kind = @kinds[name] || (@kinds.key?(name) ? nil : learn(name)) || :plain
        kind == :special ? special(name.to_s.upcase, command) : kind
      end

      # @raise [ArgumentError] which names what to use
      def self.refuse(command)
        name = command.first.to_s.upcase
        instead = STATEFUL[name] || 'a RedisClient of its own'
        raise ::ArgumentError, "#{name} changes the connection, which other fibers share: use #{instead}"
      end

      def self.learn(name)
        kind = @kinds[name.to_s.upcase] || :plain
        @kinds[name.is_a?(::String) ? name.dup.freeze : name] = kind if @kinds.size < LIMIT
        kind
      end
      private_class_method :learn

      CLIENT_STATES = %w[REPLY TRACKING CACHING NO-EVICT NO-TOUCH].freeze
      private_constant :CLIENT_STATES

      def self.special(name, command)
        return CLIENT_STATES.include?(command[1].to_s.upcase) ? :stateful : :plain if name == 'CLIENT'

        command.any? { |word| word.to_s.casecmp?('BLOCK') } ? :blocking : :plain
      end
      private_class_method :special
    end
    private_constant :Commands
  end
end
