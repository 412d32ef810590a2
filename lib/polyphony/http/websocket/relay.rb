# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      # Hands on what is published to one topic: one subscription for all sockets.
      # @api private
      class Relay
        # Messages that may wait for it; then who publishes waits.
        LIMIT = 1000

        # @param topic [Topic]
        # @param hub [Hub]
        def initialize(topic, hub)
          @topic = topic
          @hub = hub
          @sockets = {}.compare_by_identity
          @ready = Event.new
          @fiber = hub.spin(:'websocket topic') { run }
        end

        # @suspends until it is subscribed to the topic
        # @raise [Closed] when the topic is closed
        def add(socket, overflow, block)
          @sockets[socket] = [overflow, block]
          @ready.wait
          raise @failure if @failure
        end

        # The last one ends it.
        def remove(socket)
          @sockets.delete(socket)
          return unless @sockets.empty?

          @hub.forget(@topic, self)
          @subscription&.close
        end

        private

        def run
          @subscription = @topic.subscribe(limit: LIMIT, overflow: :wait)
          @ready.set
          @subscription.each { |message| deliver(message) } unless @sockets.empty?
        rescue Polyphony::Closed => e
          @failure = e
        rescue ::StandardError => e # what the topic spans is lost
          @failure = e
          @hub.failure(e, nil)
          @sockets.each_key { |socket| socket.close(1011) }
        ensure
          @hub.forget(@topic, self)
          @subscription&.close
          @ready.set
        end

        # Sockets written to before other fibers get their turn.
        TURN = 256
        private_constant :TURN

        def deliver(message)
          more = @subscription.size.positive?
          bytes = nil
          @sockets.to_a.each_with_index do |(socket, (overflow, block)), index|
            if block
              offer_own(socket, message, overflow, block, more)
            else
              socket.offer(bytes ||= bytes_of(message), overflow, more)
            end
            Polyphony.snooze if (index % TURN) == TURN - 1
          end
        rescue ::TypeError, ::ArgumentError => e
          @hub.log("#{@topic.inspect}: cannot be sent: #{e.message}")
        end

        def bytes_of(message) = (message.is_a?(Frame) ? message : Frame.new(message)).bytes

        # What its block makes of it is one socket's affair, and so is its failure.
        def offer_own(socket, message, overflow, block, more)
          own = block.call(message)
          socket.offer(socket.pack(own), overflow, more) unless own.nil?
        rescue ::StandardError => e
          @hub.failure(e, socket.request)
          socket.close(1011)
        end
      end
      private_constant :Relay

      # @return [Relay]
      # @api private
      def self.relay(topic, hub) = Relay.new(topic, hub)
    end
  end
end
