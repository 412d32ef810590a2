# frozen_string_literal: true

module Polyphony
  module HTTP
    module Operation
      class Cluster
        # What it does when it gets a signal.
        # @api private
        module Obeying
          # Signals that end it.
          ENDS = %w[TERM INT].freeze

          private

          def obey_all
            @signals.read_nonblock(4096).split.uniq.each { |name| obey(name) }
          rescue ::IO::WaitReadable
            nil
          end

          def obey(name)
            case name
            when *ENDS then @stopping ? kill : stop(@configuration.grace)
            when 'HUP' then reload
            when 'TTIN' then resize(1)
            when 'TTOU' then resize(-1)
            when 'USR1', 'QUIT' then @crew.signal(name)
            end
          end

          def stop(grace, status: nil)
            @status = status
            Notify.send('STOPPING=1')
            @log.info("stopping: requests under way have #{grace} s") if grace.positive?
            @stopping = true
            [@next, @current].compact.each(&:close)
            @next = @current = nil
            @crew.stop(grace)
          end

          def kill
            @log.warn("stopped at once: #{@crew.size} workers are killed")
            @status = 1
            @crew.kill
          end

          def reload
            return if @stopping

            Notify.reloading
            @log.info('reloading: new workers are started')
            configuration = @configuration.again
            raise Error, 'for 0 workers, restart' if configuration.workers.zero?

            replace_next(prepare(configuration))
          rescue ::StandardError, ::ScriptError => e
            stays_as_it_is(e.message)
          end

          # One that is not there yet is not waited for any more.
          def replace_next(generation)
            former, @next = @next, generation
            return unless former

            @crew.stop_all(former)
            former.close(@next, @current)
          end

          def resize(by)
            generation = @next || @current
            return if generation.nil? || generation.count + by < 1

            generation.count += by
            @log.info("#{generation.count} workers from now on")
            @crew.stop_surplus(generation)
          end
        end
        private_constant :Obeying
      end
    end
  end
end
