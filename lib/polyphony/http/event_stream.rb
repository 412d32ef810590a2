# frozen_string_literal: true

require_relative 'event_stream/event'
require_relative 'event_stream/keeping'

module Polyphony
  module HTTP
    # Server-sent events, as browsers' EventSource reads them: what {Request#sse} yields. Any number of fibers may
    # send.
    #
    #   request.sse do |events|
    #     topic.subscribe { |price| events.send(price.to_json, event: 'price', id: price.id) }
    #   end
    class EventStream
      include Keeping

      # Header fields of such an answer. The last one keeps nginx from holding it back.
      HEADERS = { 'content-type' => 'text/event-stream', 'cache-control' => 'no-cache, no-transform',
                  'x-accel-buffering' => 'no' }.freeze

      # @return [Polyphony::HTTP::Request]
      attr_reader :request
      # @return [String, nil] the id of the last event that the client has seen, if it comes again: go on behind it
      attr_reader :last_event_id

      # @param request [Request]
      # @param keep_alive [Numeric, nil]
      # @api private
      def initialize(request, keep_alive)
        @request = request
        @last_event_id = request['last-event-id']&.dup&.force_encoding(::Encoding::UTF_8)&.scrub
        @keep_alive = keep_alive
        @hub = request.context.server.hub
        @lock = ::Thread::Mutex.new
        @scope = CancelScope.new
        @sent = @hub.now
      end

      # Sends an event.
      #
      # @param data [String, nil] text, of any number of lines; nil: the client notes the id, and gets no event
      # @param event [String, nil] its type; the browser's `message` if there is none
      # @param id [String, Integer, nil] what the client gives as {#last_event_id} when it comes again
      # @return [self]
      # @raise [ArgumentError] for CR, LF or NUL in event or id, and for what is not UTF-8
      # @raise [TypeError] for data that is no String
      # @raise [Polyphony::HTTP::Disconnected] when the client has gone
      # @suspends while the client takes no more
      def send(data, event: nil, id: nil)
        put(Event.pack(data, event, id))
      end

      # @param data [String]
      # @return [self]
      # @raise [ArgumentError, TypeError, Polyphony::HTTP::Disconnected] see {#send}
      # @suspends while the client takes no more
      def <<(data) = send(data)

      # Sends what the client passes over: a sign of life.
      #
      # @param text [String]
      # @return [self]
      # @raise [Polyphony::HTTP::Disconnected] when the client has gone
      # @suspends while the client takes no more
      def comment(text = '')
        put("#{Event.lines(text).map { |line| ": #{line}\n" }.join}\n")
      end

      # Tells the client how long to wait before it connects again.
      #
      # @param milliseconds [Integer]
      # @return [self]
      # @raise [ArgumentError] for what is no Integer of at least 0
      # @raise [Polyphony::HTTP::Disconnected] when the client has gone
      # @suspends while the client takes no more
      def retry(milliseconds)
        put(Event.retry_after(milliseconds))
      end

      # @return [String]
      def inspect = "#<#{self.class} #{@request.path}#{' closed' if @closed}>"

      # Answers, calls the block, ends the answer.
      # @api private
      def run(headers, retry_after)
        retry_after &&= Event.retry_after(retry_after)
        @request.send_headers({ **HEADERS, **headers })
        return if @request.head?

        @hub.add(self)
        put(retry_after || ":\n\n") # something, so that the header goes out, and the browser says that it is open
        value = Polyphony.move_on_after(@scope) { yield self }
        raise Disconnected, 'the client has gone' if @gone || @torn

        value
      ensure
        @closed = true
        @hub.remove(self)
      end

      private

      # Half an event on the wire, because who sent it was stopped, is the end.
      def put(text)
        @lock.synchronize do
          raise Disconnected, 'the client has gone' if @gone || @torn
          raise ResponseError, 'the stream of events has ended with its block' if @closed

          @torn = true
          @request.send_chunk(text)
          @torn = false
          @sent = @hub.now
        end
        self
      end
    end
  end
end
