# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # The answer to the request that is being served.
      # @api private
      module Outgoing
        # Bytes of an answer that may wait for the client before a handler that makes more has to wait, too.
        MOST_QUEUED = 65_536

        # @see Request#respond
        def respond(request, status, headers, body)
          refuse_second(request) if request.status || !@request.equal?(request)
          @exchange.respond(status, headers, body)
          request.status = status
          @sent = body_size(body) if @access_log
          nil
        end

        # @see Request#send_headers
        def begin_response(request, status, headers)
          refuse_second(request) if request.status || !@request.equal?(request)
          @exchange.start(status, headers)
          request.status = status
          @sent = 0
          @phase = :stream
          @streaming = true
          nil
        end

        # @see Request#send_chunk
        def send_chunk(request, chunk)
          check_current(request)
          raise gone if @exchange.closed?

          queued = @exchange.write(chunk)
          @sent += chunk.bytesize
          @phase = :stream
          @connection.flush
          wait_for_room if queued > MOST_QUEUED
        end

        # For an answer whose first piece comes without {Request#send_headers}.
        def send_headers_if_none(request)
          begin_response(request, 200, {}) unless request.status
        end

        # @see Request#finish
        def finish_response(request, trailers = nil)
          check_current(request)
          return unless @streaming

          @exchange.finish(trailers)
          @streaming = false
          @connection.flush
        end

        # @see Request#send_early_hints
        def inform(request, status, headers)
          refuse_second(request) if request.status || !@request.equal?(request)
          @exchange.inform(status, headers)
          @connection.flush
        end

        # @see Request#responded?
        def responded?(request)
          !@request.equal?(request) || !request.status.nil?
        end

        # Has what was made so far sent.
        # @raise [Disconnected]
        # @suspends while the client takes no more
        def flush
          raise gone if @exchange.closed?

          @connection.flush
          wait_for_room
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

        # The handler has returned: it may have left the end of the answer to us.
        def finish_answer
          raise ResponseError, 'the handler returned without an answer' unless @streaming

          @exchange.finish
          @streaming = false
        end

        # In whichever fiber it is: a handler's own, or another one that sends for it.
        def wait_for_room
          (@senders ||= []) << (task = Scheduler.task) if @exchange.await_room
          Scheduler.park(:'the client to take more') while @exchange.await_room
          raise gone if @exchange.closed?
        ensure
          @senders&.delete(task) if task
        end
      end
    end
  end
end
