# frozen_string_literal: true

module Polyphony
  module HTTP
    module Rack
      # What a streaming body is called with: writes go out as pieces of the answer, reads come from the body
      # of the request. Threads may write to it, one at a time.
      class Stream
        # @param request [Request]
        # @yield before anything is sent: for the header
        # @api private
        def initialize(request, &before)
          @request = request
          @before = before
          @input = request.body? ? request.body : nil
        end

        # @param pieces [Array<#to_s>]
        # @return [Integer] bytes
        # @raise [IOError] after {#close_write}
        # @raise [Polyphony::HTTP::Disconnected] when the client has gone
        # @suspends while the client takes no more
        def write(*pieces)
          raise ::IOError, 'not opened for writing' if @closed

          begin_answer
          pieces.sum do |piece|
            @request.send_chunk(piece = piece.to_s)
            piece.bytesize
          end
        end

        # @return [self]
        # @see #write
        def <<(piece)
          write(piece)
          self
        end

        # @return [String, nil] see {Body#read}
        # @raise [IOError] after {#close_read}
        # @suspends until it has come
        def read(length = nil, buffer = nil)
          prepare_reading
          return @input.read(length, buffer) if @input

          buffer&.clear
          length&.positive? ? nil : buffer || +''
        end

        # @return [String, nil] see {Body#read_partial}
        # @raise [IOError] after {#close_read}
        # @suspends until something has come
        def read_partial(length = Body::CHUNK)
          prepare_reading
          @input&.read_partial(length)
        end

        # Sends what was written; the header, if nothing was.
        #
        # @return [self]
        # @raise [IOError] after {#close_write}
        # @raise [Polyphony::HTTP::Disconnected]
        # @suspends while the client takes no more
        def flush
          raise ::IOError, 'not opened for writing' if @closed

          begin_answer
          @request.context.flush
          self
        end

        # Reads no more.
        # @return [nil]
        # @suspends no
        def close_read
          @read_closed = true
          nil
        end

        # Ends the answer.
        # @return [nil]
        # @suspends while the client takes no more
        def close_write
          return if @closed

          begin_answer
          @closed = true
          @request.finish
        ensure
          @waiting&.wake
        end

        # Ends reading and writing.
        # @return [nil]
        # @suspends while the client takes no more
        def close
          close_read
          close_write
        end

        # @return [Boolean]
        def closed? = @closed && @read_closed ? true : false

        # Waits until it is closed, be it by another thread.
        # @api private
        def wait
          @waiting = Lifecycle.current
          Scheduler.park(:'the end of a hijacked answer') until @closed
        ensure
          @waiting = nil
        end

        private

        def begin_answer
          before, @before = @before, nil
          before&.call
        end

        # A client may wait for the answer before it sends more; for 100 (Continue), if it says so.
        def prepare_reading
          raise ::IOError, 'not opened for reading' if @read_closed

          flush unless @closed || (@before && @request.expect_continue?)
        end
      end
    end
  end
end
