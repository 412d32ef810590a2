# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # How a connection ends, and when: time limits, GOAWAY.
      # @api private
      module Ending
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

        # RFC 9113, section 7
        NO_ERROR = 0
        ENHANCE_YOUR_CALM = 0xb
        private_constant :NO_ERROR, :ENHANCE_YOUR_CALM

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
          @reading = true
          @transport.feed(self) unless @closed
        rescue Parting::LastWords
          part
        rescue *Transport.gone
          nil # the client went away
        ensure
          @reading = false
          forget_last_words # the client's end has come at the same time
        end

        # Everything that the client can send has come.
        def ended
          @session.gone
          tell_news
          release_fibers
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
          when :idle # streams that the client leaves open, answered, do not keep it
            @session.fail(NO_ERROR, '')
            flush
          when :header
            @overdue = :header
            @session.fail(ENHANCE_YOUR_CALM, 'the header did not come in time')
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
