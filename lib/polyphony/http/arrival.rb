# frozen_string_literal: true

module Polyphony
  module HTTP
    # A connection that was given a fiber, which may not begin: because it is stopped before, or for want of
    # memory. Then the connection is closed, and in the latter case its listener slows down, while the server
    # goes on. Everything else that a fiber fails with ends the server's scope as usual.
    #
    # To the fiber it is one who awaits it (see Lifecycle::Awaiting), in the name of the server.
    # @api private
    class Arrival
      # @param server [Server]
      # @param scope [Scope] the server's
      # @param listener [Listener]
      # @param socket [TCPSocket, UNIXSocket]
      def initialize(server, scope, listener, socket)
        @server = server
        @scope = scope
        @listener = listener
        @socket = socket
      end

      # @param fiber [Fiber] of the connection
      def watch(fiber)
        fiber.instance_variable_get(:@life).add_awaiter(self)
      end

      # @return [TCPSocket, UNIXSocket] which is the fiber's from now on
      def begin
        @begun = true
        @socket
      end

      # @return [Lifecycle] whom the fiber would tell of its failure
      def awaiter = @scope.host

      # Called when the fiber has ended.
      def ended(life)
        @server.left
        @socket.close unless @begun
        failure = life.failure or return
        @begun ? @scope.deliver(failure) : @listener.out_of_fibers(failure.error)
      end
    end
    private_constant :Arrival
  end
end
