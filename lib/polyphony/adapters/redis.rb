# frozen_string_literal: true

require_relative '../core'
require_relative 'redis/ext'
require_relative 'redis/wire'
require_relative 'redis/connection'
require_relative 'redis/errors'
require_relative 'redis/commands'
require_relative 'redis/link'
require_relative 'redis/pipe'
require_relative 'redis/connecting'
require_relative 'redis/calls'
require_relative 'redis/transactions'
require_relative 'redis/script'
require_relative 'redis/blocking'
require_relative 'redis/scanning'
require_relative 'redis/patience'
require_relative 'redis/hub'
require_relative 'redis/pubsub'
require_relative 'redis/stream'
require_relative 'redis/group'
require_relative 'redis/streams'

module Polyphony
  # A Redis server, for any number of fibers of any threads.
  #
  #   redis = Polyphony::Redis.new(url: 'redis://localhost:6379/0')
  #   redis.call('SET', 'greeting', 'hello')  # => "OK"
  #   redis.call('GET', 'greeting')           # => "hello"
  #
  # The calls of all fibers of a thread share one connection: what they send while others wait goes out in one
  # write, and each gets its own reply. What would keep others waiting, or has a state, takes a connection of a
  # pool, one at a time: {#multi}, {#watch}, {#pipelined}, {#blocking_call}, {#with}. Subscriptions share
  # one of their own.
  #
  # The gem redis-client knows the protocol, the options and the errors (see {RedisClient::Error}); here is what
  # fibers add. No connection is made before it is needed.
  #
  #   redis/wire.rb, connection.rb  bytes of a connection; the driver for redis-client
  #   redis/link.rb, pipe.rb        one connection that fibers share; making a new one when it breaks
  #   redis/hub.rb                  the connection that subscriptions share
  #   redis/connecting.rb           making connections
  #   redis/calls.rb …              the methods, by what they are about
  class Redis
    include Connecting
    include Calls
    include Transactions
    include Blocking
    include Scanning
    include PubSub
    include Streams

    ::RedisClient.register_driver(:polyphony) { Connection }

    # Seconds of pause before each new attempt to connect.
    RECONNECT = [0, 0.1, 0.5].freeze

    # @return [RedisClient::Config] what it connects to, and how
    attr_reader :config

    # @param url [String, nil] redis://user:password@host:port/db, rediss: for TLS, unix:/path; default REDIS_URL, else
    #   redis://localhost:6379
    # @param size [Integer] connections of the pool, for what cannot share one
    # @param timeout [Numeric, nil] seconds to connect, and that the server may leave a command unanswered; nil: any
    # @param pipeline [Boolean] whether the calls of several fibers share a connection; else each takes one of the pool
    # @param reconnect_attempts [Integer, Array<Numeric>] how often it tries again to connect, or to send what was not
    #   sent; an Array: with which pauses, in seconds
    # @param checkout_timeout [Numeric, nil] seconds to wait for a connection of the pool; nil: without limit
    # @param config [RedisClient::Config, nil] in place of url and options, as RedisClient.sentinel makes one too; with
    #   driver: :polyphony
    # @param options [Hash] of RedisClient.config: username:, password:, db:, id:, ssl:, ssl_params:, protocol:,
    #   connect_timeout:, read_timeout:, write_timeout:, middlewares: (for what does not share a connection)
    # @raise [ArgumentError, TypeError]
    # @suspends no
    def initialize(url: nil, size: 10, timeout: 5, pipeline: true, reconnect_attempts: RECONNECT, # rubocop:disable Metrics/ParameterLists -- options
                   checkout_timeout: nil, config: nil, **options)
      timeout && Polyphony.duration(timeout, 'timeout')
      @config = config ? checked(config) : configure(url, timeout, options)
      @pipeline = pipeline
      @pauses = pauses(reconnect_attempts)
      @pool = ResourcePool.new(limit: size, timeout: checkout_timeout, close: :close.to_proc) { new_client }
      @pipes = {}.compare_by_identity
      @hubs = {}.compare_by_identity
      @pid = ::Process.pid
      @closed = false
    end

    # Runs the block with a connection of the pool, as the client of redis-client. After an error that is not the
    # server's answer to a command, and when the fiber is interrupted, the connection is closed.
    #
    # @yieldparam client [RedisClient]
    # @return [Object] the block's value
    # @raise [Polyphony::TimeoutError] when none was free within `checkout_timeout:`
    # @raise [Polyphony::Closed] after {#close}
    # @raise [RedisClient::Error]
    # @suspends until a connection is free, and as the block does
    def with
      @pool.acquire do |client|
        clean = false
        value = yield client
        clean = true
        value
      rescue ::RedisClient::CommandError
        clean = true
        raise
      ensure
        client.close unless clean
      end
    end

    # Closes all connections, those of the pool that are in use when they come back. Calls and subscriptions that wait
    # get {Polyphony::Closed}.
    #
    # @return [void]
    # @suspends no
    def close
      @closed = true
      [*@pipes.values, *@hubs.values].each(&:close)
      @pool.close
    end

    # @return [Boolean]
    # @suspends no
    def closed? = @closed

    # @return [Hash{Symbol => Object}] calls, batches (writes they went out in), waiting, connects of the shared
    #   connections; pool: see {ResourcePool#stats}
    # @suspends no
    def stats
      pipes = @pipes.values.map(&:stats)
      sums = %i[calls batches waiting connects].to_h { |name| [name, pipes.sum { |pipe| pipe[name] }] }
      sums.merge(pool: @pool.stats)
    end

    # @return [String] without the password
    # @suspends no
    def inspect
      "#<#{self.class} #{config.server_url} waiting=#{stats[:waiting]} pool=#{@pool.size}/#{@pool.limit}" \
        "#{' closed' if @closed}>"
    end

    # A reader of replies that knows redis-client's errors.
    #
    # @return [Reader]
    # @api private
    # @suspends no
    def self.reader = Reader.new(::RedisClient::CommandError, ::RedisClient::ProtocolError)
  end
end
