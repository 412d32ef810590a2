# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # The end of a connection that is not the client's doing alone: what is said last, and what goes to the log.
      # @api private
      module Parting
        # Raised where a connection is read, when the last that there was to say to the client is out.
        class LastWords < ::Exception; end # rubocop:disable Lint/InheritException -- no handler is to rescue it

        # Seconds that a connection is read on after its last words, so that the client gets to see them.
        LINGER = 2
        # Bytes, likewise.
        LINGER_BYTES = 1 << 20

        private

        # The client has broken a rule, or all was said: it gets the reason, then the connection is closed.
        def part
          return if @parting

          @parting = true
          forget_last_words
          failed = say_failure
          wait_for_writer
          linger if failed || @transport.unsent.positive?
          close
        end

        # The reader has found out by itself.
        def forget_last_words
          @task.take_pending&.each { |error| @task.interrupt(error) unless error.is_a?(LastWords) }
        end

        def say_failure
          code, reason = @session.failure
          @server.log.warn("#{peer}: HTTP/2: #{reason} (#{code})") if code
          code
        end

        def tell_complaints
          @session.complaints&.each { |text| @server.log.warn("#{peer}: HTTP/2, #{text}") }
        end

        def wait_for_writer
          @fiber_waiting = Lifecycle.current
          Polyphony.move_on_after(@limits.write_timeout) do
            Scheduler.park(:'the last words') until @written || @writer.nil?
          end
        ensure
          @fiber_waiting = nil
        end

        # To close while unread bytes wait would reset the connection and could destroy what was written last.
        def linger
          @transport.close_write
          left = LINGER_BYTES
          buffer = ::String.new
          Polyphony.move_on_after(LINGER) do
            while (data = @transport.discard(buffer))
              break if (left -= data.bytesize).negative?
            end
          end
        rescue *Transport.gone
          nil
        end
      end
    end
  end
end
