# frozen_string_literal: true

require_relative 'errors'
require_relative 'ext'
require_relative 'transport'
require_relative 'websocket/closed'
require_relative 'websocket/frame'
require_relative 'websocket/options'
require_relative 'websocket/link'
require_relative 'websocket/outbox'
require_relative 'websocket/incoming'
require_relative 'websocket/sending'
require_relative 'websocket/closing'
require_relative 'websocket/keeping'
require_relative 'websocket/handshake'

module Polyphony
  module HTTP
    # One WebSocket (RFC 6455), on the server's side: what {Request#websocket} yields, over HTTP/1 and HTTP/2.
    #
    #   Polyphony::HTTP.serve do |request|
    #     request.websocket do |ws|
    #       ws.each { |message| ws << message.upcase }
    #     end
    #   end
    #
    # One fiber receives; any number of fibers may send. The block's end closes it.
    #
    #   frames → Decoder (C: masks, UTF-8, limits) → Incoming → each, receive
    #   <<, text, binary → Frame → Outbox → Link → the connection
    class WebSocket
      include Incoming
      include Sending
      include Closing
      include Keeping

      # @param request [Request]
      # @param options [Hash]
      # @return [WebSocket, nil] nil when it was refused
      # @api private
      def self.open(request, options)
        Handshake.new(request, Options.for(options)).perform
      end

      # @return [Polyphony::HTTP::Request] that opened it
      attr_reader :request
      # @return [String, nil] the subprotocol that was agreed on
      attr_reader :protocol
      # @return [Integer, nil] once it has ended: the code that the client has closed it with, or we for a fault
      #   of the client's; 1005 when it gave none, 1006 when it went away without closing
      attr_reader :close_code
      # @return [String, nil] once it has ended: the reason for it
      attr_reader :close_reason
      # @return [Integer] messages of topics that were dropped because the client is too slow
      attr_reader :dropped

      # @param request [Request]
      # @param link [Link::Socket, Link::TLS, Link::Stream]
      # @param options [Options]
      # @param protocol [String, nil]
      # @param deflate [Deflate, nil]
      # @api private
      def initialize(request, link, options, protocol, deflate)
        @request = request
        @options = options
        @protocol = protocol
        @deflate = deflate
        @hub = request.context.server.hub
        @link = link
        @outbox = Outbox.new(link, @hub, options.buffer)
        @decoder = Decoder.new(options.max_message, options.max_frames, !deflate.nil?)
        @dropped = 0
        @seen = @hub.now
      end

      # Has what is published to a topic sent to the client: Strings, or what the block makes of a message. The
      # publisher never waits for a slow client. Subscriptions end with the WebSocket.
      #
      # What has no block is made a frame once, for all sockets together.
      #
      # @param topic [Polyphony::Topic]
      # @param overflow [Symbol] what happens when more than `buffer` bytes wait for the client:
      #   :close closes with 1013; :drop leaves out messages, which {#dropped} counts
      # @yieldparam message [Object] what was published
      # @yieldreturn [String, Frame, nil] what to send; nil: nothing. It must not wait
      # @return [self]
      # @raise [Polyphony::Closed] when the topic is closed
      # @raise [ArgumentError] for another overflow
      # @suspends only for the first subscription to a topic, shortly
      def subscribe(topic, overflow: :close, &block)
        unless %i[close drop].include?(overflow)
          raise ::ArgumentError, "overflow must be :close or :drop, not #{overflow.inspect}"
        end

        check_open
        (@topics ||= []) << topic # before this waits: it may be stopped there
        @hub.subscribe(self, topic, overflow, block)
        self
      end

      # Ends a subscription.
      #
      # @param topic [Polyphony::Topic]
      # @return [self]
      # @suspends no
      def unsubscribe(topic)
        @hub.unsubscribe(self, topic) if @topics&.delete(topic)
        self
      end

      # @return [String]
      def inspect
        state = if @ended then "closed #{@close_code}"
                else @close_sent ? 'closing' : 'open'
                end
        "#<#{self.class} #{@request.path} #{state}#{" pending=#{pending}" if pending.positive?}>"
      end
    end
  end
end
