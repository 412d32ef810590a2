# frozen_string_literal: true

require_relative '../answering'

module Polyphony
  module HTTP
    module HTTP1
      # The answer to the request that is being served, and its way out.
      # @api private
      module Outgoing
        include Answering

        # @see Request#respond
        def respond(request, status, headers, body)
          refuse_second(request)
          @writer.last! if !@parser.complete? && unwanted_body?
          @writer.respond(request, status, headers, body)
          request.status = status
          @sent = body_size(body) if @access_log
          nil
        end

        # @see Request#send_headers
        def begin_response(request, status, headers)
          refuse_second(request)
          @writer.last! if !@parser.complete? && unwanted_body?
          @writer.start(request, status, headers)
          request.status = status
          @sent = 0
          @phase = :stream
          @streaming = true
          nil
        end

        # @see Request#send_chunk
        def send_chunk(request, chunk)
          check_current(request)
          @writer.write(chunk)
          @sent += chunk.bytesize
          @phase = :stream
          @step += 1
          flush
        end

        # @see Request#finish
        def finish_response(request, trailers = nil)
          check_current(request)
          return unless @streaming

          @streaming = false
          trailers ? @writer.finish(trailers) : @writer.finish
          flush
        end

        # @see Request#send_early_hints
        def inform(request, status, headers)
          refuse_second(request)
          @writer.inform(request, status, headers)
          flush
        end

        # Writes what has been made so far.
        # @raise [Disconnected]
        # @suspends while the client takes no more
        def flush
          wait_for_flusher if @flushing
          @batched = false
          rest = @transport.put(@writer)
          write(rest) if rest
        rescue *Transport.gone => e
          raise Disconnected, "the client went away: #{e.message}"
        end

        private

        # What the client did not take at once.
        def write(output)
          phase = @phase
          @phase = :write
          @transport.write(output)
          @phase = phase
          nil
        end

        # The handler has returned: it may have left the end of the answer, or all of it, to us.
        def finish_answer
          if @streaming
            @streaming = false
            @writer.finish
          else
            raise ResponseError, 'the handler returned without an answer'
          end
        end

        # The client's time runs meanwhile, not the handler's.
        def wait_for_flusher
          phase = @phase
          @phase = :write
          @flusher.await while @flushing
          @phase = phase
        end

        # Answers wait for the end of a batch of pipelined requests; not, though, while a handler waits.
        def flush_while_waiting
          return if @flusher&.alive?

          @flusher = Polyphony.spin(:flusher) do
            @flushing = true
            output = @writer.output
            @transport.write(output) if output
          rescue *Transport.gone
            @transport.shutdown(true)
          ensure
            @flushing = false
          end
        end
      end
    end
  end
end
