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

      # Sends a message: a String in BINARY as binary, any other as text.
      #
      # @param message [String, Frame] see {.frame}
      # @return [self]
      # @raise [Polyphony::HTTP::WebSocket::Closed] when it is closed
      # @raise [ArgumentError] for a text that cannot be UTF-8
      # @raise [TypeError] for what is no String
      # @suspends while more than `buffer` bytes wait to be sent. A message is as good as sent when this waits: an
      #   interruption does not take it back
      def <<(message)
        transmit(frame_of(message))
      end

      # Sends a text.
      #
      # @param text [String] what is not UTF-8 is converted; BINARY is taken for UTF-8
      # @return [self]
      # @raise [Polyphony::HTTP::WebSocket::Closed, ArgumentError, TypeError] see {#<<}
      # @suspends as {#<<}
      def text(text)
        transmit(Frame.pack(Frame::TEXT, Frame.utf8(text), @deflate))
      end

      # Sends bytes.
      #
      # @param bytes [String] in whatever encoding
      # @return [self]
      # @raise [Polyphony::HTTP::WebSocket::Closed, TypeError] see {#<<}
      # @suspends as {#<<}
      def binary(bytes)
        transmit(Frame.pack(Frame::BINARY, Frame.string(bytes), @deflate))
      end

      # Sends a ping. {Request#websocket} does so by itself when a client is silent: see `ping:` there.
      #
      # @param payload [String] of at most 125 bytes
      # @return [self]
      # @raise [Polyphony::HTTP::WebSocket::Closed] when it is closed
      # @raise [ArgumentError] for a longer payload
      # @suspends as {#<<}
      def ping(payload = '')
        raise ::ArgumentError, "a ping may have 125 bytes, not #{payload.bytesize}" if payload.bytesize > 125

        transmit(WebSocket.encode(Frame::PING, payload, false))
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
        @hub.subscribe(self, topic, overflow, block)
        (@topics ||= []) << topic
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

      # @return [Integer] bytes that wait to be sent
      # @suspends no
      def pending = @outbox.bytes

      # @return [String]
      def inspect
        state = if @ended then "closed #{@close_code}"
                else @close_sent ? 'closing' : 'open'
                end
        "#<#{self.class} #{@request.path} #{state}#{" pending=#{pending}" if pending.positive?}>"
      end

      private

      def frame_of(message)
        return message.bytes if message.is_a?(Frame)

        return Frame.pack(Frame::BINARY, message, @deflate) if Frame.string(message).encoding == ::Encoding::BINARY

        Frame.pack(Frame::TEXT, Frame.utf8(message), @deflate)
      end

      def transmit(bytes)
        check_open
        @outbox.push(bytes)
        return self unless @outbox.full?

        too_slow if @options.overflow == :close
        @outbox.wait_for_room
        self
      end

      def check_open
        raise Closed.new(@close_code, @close_reason) if @ended || @close_sent || @outbox.broken?
      end
    end
  end
end
