# frozen_string_literal: true

require_relative '../answering'

module Polyphony
  module HTTP
    module HTTP2
      # The answer to the request that is being served.
      # @api private
      module Outgoing
        include Answering

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

        # Has what was made so far sent.
        # @raise [Disconnected]
        # @suspends while the client takes no more
        def flush
          raise gone if @exchange.closed?

          @connection.flush
          wait_for_room
        end

        private

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
