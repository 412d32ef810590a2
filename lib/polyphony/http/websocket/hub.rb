# frozen_string_literal: true

require_relative 'relay'

module Polyphony
  module HTTP
    class WebSocket
      # The WebSockets of one server: sends what has gathered, looks after time limits, hands on what is published
      # to topics.
      # @api private
      class Hub
        # Sockets written to before other fibers get their turn.
        TURN = 256

        # @param server [Server]
        # @param scope [Scope] the server's
        def initialize(server, scope)
          @server = server
          @scope = scope
          @sockets = {}.compare_by_identity
          @relays = {}.compare_by_identity
          @due = []
          scope.spin(:'websocket sender') { send_what_is_due }
        end

        # @return [Integer]
        def size = @sockets.size

        # @return [Float] the time, as of the last second
        def now = @server.clock.now

        # @return [Numeric, nil]
        def write_timeout = @server.limits.write_timeout

        # @param text [String]
        def log(text) = @server.log.warn("websocket: #{text}")

        # @param error [Exception]
        # @param request [Request]
        def failure(error, request) = @server.log.failure(error, request)

        # @return [Fiber] that ends with the server at the latest
        def spin(...) = @scope.spin(...)

        # @param socket [WebSocket]
        def add(socket)
          @sockets[socket] = true
          socket.close(1001) if @server.draining?
        end

        # @param socket [WebSocket]
        def remove(socket)
          @sockets.delete(socket)
        end

        # @param outbox [Outbox]
        def flush_soon(outbox)
          @due << outbox
          @sender.wake if @sender && @due.size == 1
        end

        # Once a second.
        # @param now [Float]
        def check_time(now)
          @sockets.keys.each { |socket| socket.check_time(now) }
        end

        # The server takes leave.
        def drain
          @sockets.keys.each { |socket| socket.close(1001) }
        end

        # @see WebSocket#subscribe
        def subscribe(socket, topic, overflow, block)
          relay = (@relays[topic] ||= Relay.new(topic, self))
          relay.add(socket, overflow, block)
        end

        # @see WebSocket#unsubscribe
        def unsubscribe(socket, topic)
          @relays[topic]&.remove(socket)
        end

        # @param relay [Relay] that has ended
        def forget(topic, relay)
          @relays.delete(topic) if @relays[topic].equal?(relay)
        end

        private

        def send_what_is_due
          @sender = Lifecycle.current
          loop do
            Scheduler.park(:'something to send') while @due.empty?
            due, @due = @due, []
            due.each_with_index do |outbox, index|
              outbox.flush
              Polyphony.snooze if (index % TURN) == TURN - 1
            end
          end
        end
      end
      private_constant :Hub
    end
  end
end
