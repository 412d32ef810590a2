# frozen_string_literal: true

module Polyphony
  module HTTP
    # What answering a request is, whatever the version of HTTP: for who serves one at a time, a connection of
    # HTTP/1 or a stream of HTTP/2. They have `begin_response` and `apologize`.
    # @api private
    module Answering
      # Of an answer that is ours, not the handler's.
      PLAIN = { 'content-type' => 'text/plain; charset=utf-8' }.freeze

      # For an answer whose first piece comes without {Request#send_headers}.
      def send_headers_if_none(request)
        begin_response(request, 200, {}) unless request.status
      end

      # @see Request#responded?
      def responded?(request)
        !@request.equal?(request) || !request.status.nil?
      end

      private

      def refuse_second(request)
        check_current(request)
        raise ResponseError, "#{request.inspect} has been answered already" if request.status
      end

      def check_current(request)
        return if @request.equal?(request)

        raise ResponseError, "#{request.inspect} is over: a handler must answer before it returns"
      end

      def body_size(body)
        return 0 if body.nil? || @request.head?

        body.is_a?(::Array) ? body.sum(&:bytesize) : body.bytesize
      end

      def timed_out
        @overdue = nil
        @server.log.warn("#{@request.method} #{@request.path}: no answer within #{@limits.handler_timeout} s")
        apologize(503)
      end

      # `exit` ends the program, as it does everywhere. The client is told.
      def leave(error)
        apologize(503)
      ensure
        raise error
      end
    end
  end
end
