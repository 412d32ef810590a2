# frozen_string_literal: true

module Polyphony
  class Redis
    # What it connects to, and which connections there are.
    # @api private
    module Connecting
      private

      def configure(url, timeout, options)
        url ||= ::ENV.fetch('REDIS_URL', nil) unless options[:host] || options[:path]
        ::RedisClient.config(url: url, timeout: timeout, reconnect_attempts: false, **options, driver: :polyphony)
      end

      def checked(config)
        return config if config.respond_to?(:new_client) && config.driver <= Connection

        raise ::ArgumentError, 'config: must be made by RedisClient.config(driver: :polyphony), or .sentinel, ' \
                               "not #{config.inspect}"
      end

      def pauses(attempts)
        return ::Array.new(attempts, 0) if attempts.is_a?(::Integer)

        [*attempts].each { |pause| Polyphony.duration(pause, 'a pause of reconnect_attempts') }
      end

      # Connected, so that it fails here if it does, after all attempts.
      def new_client
        client = config.new_client
        @pauses.each do |pause|
          return connected(client)
        rescue ::RedisClient::CannotConnectError
          raise if @closed

          Polyphony.backend.sleep(pause)
        end
        connected(client)
      end

      def connected(client)
        Errors.explained(config) { client.disable_reconnection { nil } }
        done = client
      ensure
        client.close unless done
      end

      # The shared connection of this thread.
      def pipe
        forget_parent unless @pid == ::RedisClient::PIDCache.pid
        @pipes[::Thread.current] || open_in(@pipes) { Pipe.new(@pauses.size, config) { new_client } }
      end

      # The subscriptions of this thread.
      def hub
        forget_parent unless @pid == ::RedisClient::PIDCache.pid
        @hubs[::Thread.current] || open_in(@hubs) { Hub.new(config) { new_client } }
      end

      # A list of its own: another thread may be here, too.
      def open_in(all)
        raise Closed, "#{inspect} was closed" if @closed

        all.keys.each { |thread| all.delete(thread)&.close unless thread.alive? }
        all[::Thread.current] = yield
      end

      # In a forked child: the connections are the parent's.
      def forget_parent
        @left_behind = [@left_behind, @pipes, @hubs]
        @pipes = {}.compare_by_identity
        @hubs = {}.compare_by_identity
        @pid = ::Process.pid
      end
    end
    private_constant :Connecting
  end
end
