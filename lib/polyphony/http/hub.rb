# frozen_string_literal: true

require_relative 'websocket/relay'

module Polyphony
  module HTTP
    # What outlasts requests, of one server: its WebSockets and its streams of events. Writes what they have
    # gathered, looks after their time limits, ends them when the server stops, hands on what is published to
    # topics.
    # @api private
    class Hub
      # Sockets written to before other fibers get their turn.
      TURN = 256

      # @param server [Server]
      # @param scope [Scope] the server's
      def initialize(server, scope)
        @server = server
        @scope = scope
        @guests = {}.compare_by_identity
        @relays = {}.compare_by_identity
        @due = []
        scope.spin(:sender) { send_what_is_due }
      end

      # @return [Integer]
      def size = @guests.size

      # @return [Float] the time, as of the last second
      def now = @server.clock.now

      # @return [Numeric, nil]
      def write_timeout = @server.limits.write_timeout

      # @param text [String]
      def log(text) = @server.log.warn(text)

      # @param error [Exception]
      # @param request [Request]
      def failure(error, request) = @server.log.failure(error, request)

      # @return [Fiber] that ends with the server at the latest, and does not end it by an error
      def spin(tag)
        @scope.spin(tag) do
          yield
        rescue ::StandardError => e
          failure(e, nil)
        end
      end

      # @param guest [WebSocket, EventStream]
      def add(guest)
        @guests[guest] = true
        guest.drain if @server.draining?
      end

      # @param guest [WebSocket, EventStream]
      def remove(guest)
        @guests.delete(guest)
      end

      # @param outbox [WebSocket::Outbox]
      def flush_soon(outbox)
        @due << outbox
        @sender.wake if @sender && @due.size == 1
      end

      # Once a second.
      # @param now [Float]
      def check_time(now)
        @guests.keys.each { |guest| guest.check_time(now) }
      end

      # The server takes leave.
      def drain
        @guests.keys.each(&:drain)
      end

      # @see WebSocket#subscribe
      def subscribe(socket, topic, overflow, block)
        relay = (@relays[topic] ||= WebSocket.relay(topic, self))
        relay.add(socket, overflow, block)
      end

      # @see WebSocket#unsubscribe
      def unsubscribe(socket, topic)
        @relays[topic]&.remove(socket)
      end

      # @param relay [WebSocket::Relay] that has ended
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
            flush(outbox)
            Polyphony.snooze if (index % TURN) == TURN - 1
          end
        end
      end

      # What is wrong with one must not keep the others from being written to.
      def flush(outbox)
        outbox.flush
      rescue ::StandardError => e
        outbox.break_off
        failure(e, nil)
      end
    end
    private_constant :Hub
  end
end
