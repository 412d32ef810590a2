# frozen_string_literal: true

module Polyphony
  class Tree
    # What is said of fibers and threads.
    module Words
      class << self
        # @param tag [Object]
        # @return [String, nil] nil for nil
        def tag(tag)
          case tag
          when nil then nil
          when ::String, ::Symbol then tag.to_s
          else tag.inspect
          end
        rescue ::StandardError => e
          "(#{e.class} of its tag)"
        end

        # @param thread [Thread]
        # @return [String]
        def thread(thread)
          return 'main' if thread.equal?(::Thread.main)

          thread.name || thread.inspect
        end

        # What else is to be known of a fiber.
        #
        # @param task [Scheduler::Task]
        # @param life [Lifecycle, nil]
        # @return [Hash{Symbol => String}]
        def notes(task, life)
          notes = task.deadline ? { limit: limit(task) } : {}
          life ? notes.merge(notes_of(life)) : notes
        end

        # @param number [Integer]
        # @param what [String]
        # @return [String] "1 message", "2,000 messages"
        def count(number, what = nil)
          [thousands(number), what && "#{what}#{'s' unless number == 1}"].compact.join(' ')
        end

        private

        def notes_of(life)
          notes = {}
          notes[:names] = "as #{life.names.map(&:inspect).join(', ')}" if life.names.any?
          notes[:stopping] = 'stopping' if life.stopping?
          notes[:messages] = count(life.mailbox_size, 'message') if life.mailbox_size.positive?
          notes[:restarts] = "restarted #{count(life.restarts, 'time')}" if life.restarts.positive?
          notes
        end

        def thousands(number)
          number.to_s.gsub(/(?<=\d)(?=(\d{3})+\z)/, ',')
        end

        def limit(task)
          format('limit in %.1f s', [task.deadline - Scheduler.now, 0].max)
        end
      end
    end
  end
end
