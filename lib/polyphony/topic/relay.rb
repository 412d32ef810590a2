# frozen_string_literal: true

module Polyphony
  class Topic
    # Listens to the engine of a topic in one thread, and hands what comes to the subscribers there. Its fiber ends with
    # the last of them, or with the thread's main fiber; it is in a scope of its own, so that `supervise` does not wait
    # for it.
    # @api private
    class Relay
      # @param span [Span]
      # @param topic [Topic]
      def initialize(span, topic)
        @span = span
        @topic = topic
        @thread = ::Thread.current
        @ready = Event.new
        @host = host
        @scope = Scope.new(:topic, @host, proc {})
        @host.enter(@scope)
        @life = nil
        @fiber = @scope.spin("topic #{span.channel}") { run }
      end

      # @return [Boolean] whether it listens, or is about to
      def live? = !@ended && !@stopping && @scope.open?

      # @raise [StandardError] what the engine failed with
      # @suspends until the engine has confirmed the subscription, or at once if it does not tell
      def wait
        @ready.wait
        raise @error if @error
      end

      # @suspends no
      def stop
        @stopping = true
        @life&.stop_soon
      end

      private

      # The fiber that everything else in this thread ends with.
      def host
        life = Lifecycle.current
        scheduler = Scheduler.current
        main = scheduler.main&.handle || scheduler.root&.handle
        return main if main.is_a?(Lifecycle) && main.open?

        life = life.parent while life.parent
        life
      end

      def run
        @life = Lifecycle.current
        return if @stopping

        listen
        end_subscriptions(Closed.new("#{@topic.inspect}: #{@span.engine.inspect} has ended its subscription"))
      rescue ::StandardError => e
        end_subscriptions(@error = e)
      ensure
        @ended = true
        @host.leave(@scope)
        @ready.set
      end

      def listen
        @ready.set unless tells?(:ready)
        hooks = {}
        hooks[:ready] = @ready.method(:set) if tells?(:ready)
        hooks[:gap] = ->(error = nil) { @span.on_gap&.call(@topic, error) } if tells?(:gap)
        @span.engine.subscribe(@span.channel, **hooks) { |payload, *| relay(payload) }
      end

      # Whether the engine's `subscribe` takes this hook.
      def tells?(hook)
        @span.engine.method(:subscribe).parameters.any? do |kind, name|
          kind == :keyrest || (name == hook && kind.start_with?('key'))
        end
      end

      def relay(payload)
        read = false
        message = @span.decode(payload)
        read = true
        @topic.deliver_in(@thread, message)
      rescue ::StandardError => e
        raise if read

        warn("#{@topic.inspect}: a message that cannot be read: #{e.class}: #{e.message.lines.first&.chomp}")
      end

      def end_subscriptions(error)
        @topic.end_in(@thread, error)
      end
    end
    private_constant :Relay
  end
end
