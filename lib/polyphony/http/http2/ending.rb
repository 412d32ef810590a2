# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # How a connection ends, and when: time limits, GOAWAY.
      # @api private
      module Ending
        # Raised where a connection is read, when the last that there was to say to the client is out.
        class LastWords < ::Exception; end # rubocop:disable Lint/InheritException -- no handler is to rescue it

        # Seconds that a connection is read on after its last words, so that the client gets to see them.
        LINGER = 2
        # Bytes, likewise.
        LINGER_BYTES = 1 << 20

        # Lets the requests under way be the last. The client is told twice: first that it should send no more, and,
        # when it has answered a ping that goes with that, which requests were the last.
        # @suspends no
        def drain
          return if @draining

          @draining = true
          @session.announce_end
          flush if @scope
        end

        # @see Phases#check_time
        def check_time(now)
          @phase = current_phase
          super
          last if @draining && @rested_once
          @rested_once = @draining
          @session.clock = now
          reset_stalled if @limits.write_timeout
          @streams.keys.each { |stream| stream.check_time(now) }
        end

        private

        def current_phase
          @served = @session.requests
          return :write if @writing

          return :header if @session.in_header?

          @session.idle? ? :idle : :busy
        end

        def reset_stalled
          ids = @session.reset_stalled(@limits.write_timeout) or return
          flush
          ids.each do |id|
            @server.log.warn("#{peer}: stream #{id}: it has taken nothing for #{@limits.write_timeout} s: reset")
          end
        end

        def last
          @session.last!
          flush
        end

        def read_on
          @transport.feed(self) unless @closed
        rescue LastWords
          part
        rescue *Transport.gone
          nil # the client went away
        end

        # Everything that the client can send has come.
        def ended
          @session.gone
          tell_news
          release_fibers
        end

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

        # Those that have no request end now, the others when they have served theirs.
        def release_fibers
          @ended = true
          @idle.each(&:wake)
          @idle.clear
          @writer&.wake
        end

        # @see Phases
        def rest
          return if @rested || @phase != :idle

          @rested = true
          @session.trim
          @idle.each(&:retire)
          @idle.clear
          retire_writer
          @task&.trim_stack
        end

        # @see Phases
        def end_phase
          case @phase
          when :idle then last
          when :header
            @overdue = :header
            @session.fail(0xb, 'the header did not come in time')
            say_failure
            flush
          else
            @overdue = @phase
            peer # while it can be asked who it is
            @transport.shutdown(true)
          end
        end

        def close
          return if @closed

          @closed = true
          @session.gone
          tell_news
          release_fibers
          @transport.close unless @transport.closed?
        end
      end
    end
  end
end
