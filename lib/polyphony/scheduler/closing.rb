# frozen_string_literal: true

module Polyphony
  class Scheduler
    # The end of a scheduler, which is the end of its thread: its fibers end, or are told to.
    # @api private
    module Closing
      # How often fibers that refuse to end are asked again when the scheduler closes.
      CLOSE_ROUNDS = 100
      private_constant :CLOSE_ROUNDS

      private

      def close_once
        error = closing_error { on_close_proc&.call }
        error = closing_error(error) { run } unless error || leaving?
      ensure
        end_fibers(error) # also when the thread is killed meanwhile
      end

      # `exit` and signals do not wait for fibers: these are stopped.
      def leaving?
        $!.is_a?(::SystemExit) || $!.is_a?(::SignalException)
      end

      def closing_error(first = nil)
        yield
        first
      rescue Exception => e # rubocop:disable Lint/RescueException -- raised again by end_fibers
        first || e
      end

      # Whatever is left is told to stop, and told again if it goes on waiting. (No `break` out of a block
      # here: on Ruby 3.3 it would wipe out the error that the thread is ending with.)
      def end_fibers(error)
        rounds = 0
        while live > own_fibers && (rounds += 1) <= CLOSE_ROUNDS
          interrupt_all(Stop.new('the scheduler was closed'))
          error = closing_error(error) { run }
        end
        report_at_exit(error) if error
      ensure
        destroy
      end

      # A forked child closes the scheduler from the fiber that forked.
      def own_fibers
        Scheduler.task == root ? 0 : 1
      end

      # Ruby drops what is raised while it closes the main thread's scheduler; an at_exit handler is
      # still run after it and can still fail the program.
      def report_at_exit(error)
        raise error unless ::Thread.current == ::Thread.main

        at_exit { raise error }
      end
    end
    private_constant :Closing
  end
end
