# frozen_string_literal: true

module Polyphony
  module HTTP
    module Request
      # Answers that go on: WebSockets, and events.
      module Upgrading
        # @return [Boolean] whether the client asks for a WebSocket
        # @suspends no
        def websocket? = upgrade_requested == 'websocket'

        # Opens a WebSocket, and closes it when the block ends: with 1000, with 1011 if it raises. A request that
        # asks for none, or in a wrong way, is answered (426, 400, 403, 503), and the block is not called.
        #
        #   request.websocket { |ws| ws.each { |message| ws << message } }
        #
        # @param options [Hash]
        # @option options [String, Array<String>] :protocols subprotocols; the client's first among them is taken
        # @option options [Integer] :max_message (1 MiB) bytes of a message, inflated; beyond: closed with 1009
        # @option options [Integer] :max_frames (131,072) frames of a message; beyond: closed with 1008
        # @option options [Numeric, nil] :ping (30) seconds of silence after which the client is pinged, and as many
        #   for its answer until the connection is cut; nil: never
        # @option options [Boolean, Hash] :deflate (true) whether to compress, for clients that can: `level`,
        #   `mem_level`, `window_bits`, `context_takeover` (false), `min_size` (1024 bytes; shorter messages are sent
        #   as they are)
        # @option options [Integer] :buffer (1 MiB) bytes that may wait for a client that is slow
        # @option options [Symbol] :overflow (:wait) beyond that, :wait lets who sends wait; :close closes with 1013
        # @option options [Numeric] :close_timeout (5) seconds for the client to answer our closing
        # @option options [String, Regexp, Array] :origins pages that may open it, as `https://example.com`; nil:
        #   all. Browsers let pages of any origin open WebSockets, with the user's cookies
        # @option options [Hash{String => String}] :headers to be sent with the answer
        # @yieldparam ws [Polyphony::HTTP::WebSocket]
        # @return [Object, nil] the block's value; nil when there was no WebSocket
        # @raise [ArgumentError, TypeError] without a block, for an option that is none
        # @raise [Polyphony::HTTP::ResponseError] when the request was answered before
        # @suspends as its block does, and until the client has closed, for `close_timeout` at most
        def websocket(**options, &block)
          raise ::ArgumentError, 'a block is required: it gets the WebSocket' unless block

          WebSocket.open(self, options)&.run(&block)
        end

        # Answers with server-sent events, until the block ends. When the client has gone, which is noticed within a
        # second or two, the block is cut where it waits, and {Disconnected} raised, which a handler need not
        # rescue; when the server stops, the block is cut and the answer ended.
        #
        #   request.sse { |events| topic.subscribe { |news| events << news } }
        #
        # @param headers [Hash{String => String}] besides those of {EventStream::HEADERS}
        # @param keep_alive [Numeric, nil] seconds without an event after which a comment is sent, so that no proxy
        #   takes the connection for dead; nil: never
        # @option options [Integer] :retry milliseconds that the client is to wait before it comes again
        # @yieldparam events [Polyphony::HTTP::EventStream]
        # @return [Object, nil] the block's value; nil if it was cut, or the request is HEAD
        # @raise [ArgumentError] without a block, for an option that is none
        # @raise [Polyphony::HTTP::Disconnected] when the client has gone
        # @raise [Polyphony::HTTP::ResponseError] when the request was answered before
        # @suspends as its block does
        def sse(headers: {}, keep_alive: 15, **options, &block)
          raise ::ArgumentError, 'a block is required: it gets the stream of events' unless block

          unknown = options.keys - [:retry]
          unless unknown.empty?
            raise ::ArgumentError, "sse has no option #{unknown.join(', ')}; there are: retry, headers, keep_alive"
          end

          Polyphony.duration(keep_alive, 'keep_alive') if keep_alive
          EventStream.new(self, keep_alive).run(headers, options[:retry], &block)
        end
      end
    end
  end
end
