# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # The way out. One fiber writes for all streams, so that none of them is cut in the midst of another's bytes, and
      # what many of them answer goes out together.
      # @api private
      module Writing
        # Has what the session holds for the client sent, as soon as those have run who may have more.
        # @suspends no
        def flush
          return if @flushing || @ended

          @flushing = true
          @writer ? @writer.wake : start_writer
        end

        private

        def start_writer
          @scope.spin(:writer) do
            @writer = Scheduler.task
            write_on
          ensure
            @writer = nil
          end
        end

        # An idle connection needs no fiber for it.
        def retire_writer
          @resting = true
          @writer&.wake
        end

        def write_on
          loop do
            write_all
            break if over?

            @flushing = false
            @resting = false
            Scheduler.park(:'output of HTTP/2') until @flushing || @ended || @resting
            break unless @flushing
          end
        rescue *Transport.gone
          @session.gone
          tell_news
          @transport.shutdown(true)
        end

        def write_all
          while (bytes = @session.output)
            @writing = true
            @transport.write(bytes)
            @writing = false
            @step += 1 unless @session.idle? # answers to pings keep no connection open
            tell_news
          end
        ensure
          @writing = false
        end

        # Nothing is left to be said: the reader closes the connection.
        def over?
          return false unless @session.over?

          @written = true
          if @parting
            @fiber_waiting&.wake
          elsif @reading
            @task.interrupt(Parting::LastWords.new)
          end
          true
        end
      end
    end
  end
end
