# frozen_string_literal: true

module Polyphony
  module HTTP
    # Stops a server for those who cannot do it themselves: other threads, and handlers of signals.
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
        @thread = ::Thread.current
        @over = ::Thread::Queue.new
        @fiber = scope.spin(:stopper) { Polyphony.receive_loop { |grace| server.stop(grace: grace) } }
      end

      # @return [Boolean] whether the caller is one of them
      def needed? = !::Thread.current.equal?(@thread) || Stopper.trap?

      # @param grace [Numeric, nil]
      # @return [nil]
      # @suspends until the server has stopped, but in the handler of a signal
      def stop(grace)
        @fiber.send?(grace)
        @over.pop unless Stopper.trap?
        nil
      end

      # The server has stopped.
      def over = @over.close
    end
    private_constant :Stopper
  end
end
