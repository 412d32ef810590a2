# frozen_string_literal: true

module Polyphony
  module HTTP
    module Operation
      class Crew
        # How a worker comes about.
        # @api private
        module Starting
          private

          def start(generation, index)
            life, writer = ::IO.pipe
            pid = ::Process.fork { become_worker(generation, index, life, writer) }
            @children[pid] = Child.new(pid, index, generation, life)
          rescue ::SystemCallError => e
            life&.close
            @log.warn("worker #{index} cannot be started: #{e.message}")
            generation.pause(index, MAX_PAUSE)
          ensure
            writer&.close
          end

          # Signals that are for the first process, or come too early, are not to end it.
          def become_worker(generation, index, life, writer)
            %w[INT HUP USR1 USR2 TTIN TTOU].each { |name| ::Signal.trap(name) { nil } }
            %w[TERM QUIT CHLD].each { |name| ::Signal.trap(name, 'DEFAULT') }
            [life, *@private_pipes, *@children.each_value.map(&:life)].each(&:close)
            $PROGRAM_NAME = "polyphony: worker #{index}"
            Notify.forget
            work(generation, index, Life.new(writer, Log.new($stderr, "worker #{index}")))
          end

          def work(generation, index, life)
            Worker.new(generation.configuration, generation.sockets, life, index: index,
                                                                           handler: generation.handler).run
          rescue ::SystemExit
            raise
          rescue ::SignalException => e # before it had handlers of its own
            exit!(128 + e.signo)
          rescue ::Exception => e # rubocop:disable Lint/RescueException -- the process ends
            life.failed(e.is_a?(Polyphony::Error) ? e.message : e.full_message(highlight: false))
            exit!(1)
          end
        end
        private_constant :Starting
      end
    end
  end
end
