# frozen_string_literal: true

module Polyphony
  module HTTP
    # Stops a server for those who cannot do it themselves: other threads, handlers of signals, and handlers of
    # requests, which would wait for themselves.
    # @api private
    class Stopper
      # @return [Boolean] whether the caller is a handler of a signal, where nothing may wait
      def self.trap?
        ::Thread::Mutex.new.synchronize { false }
      rescue ::ThreadError
        true
      end

      # @param server [Server]
      # @param scope [Scope] the server's
      def initialize(server, scope)
        @server = server
        @scope = scope
        @thread = ::Thread.current
        @over = ::Thread::Queue.new
        @fiber = scope.spin(:stopper) { Polyphony.receive_loop { |grace| server.stop(grace: grace) } }
      end

      # @return [Boolean] whether the caller is one of them
      def needed? = !::Thread.current.equal?(@thread) || Stopper.trap? || inside?

      # @param grace [Numeric, nil]
      # @return [nil]
      # @suspends until the server has stopped, but in handlers
      def stop(grace)
        @fiber.send?(grace)
        @over.pop unless ::Thread.current.equal?(@thread) || Stopper.trap?
        nil
      end

      # The server has stopped.
      def over = @over.close

      private

      # A connection may have fibers of its own for its requests.
      def inside?
        fiber = Polyphony.current
        children = @scope.children
        fiber = fiber.parent until fiber.nil? || children.include?(fiber)
        !fiber.nil? && !fiber.equal?(@fiber)
      end
    end
    private_constant :Stopper
  end
end
