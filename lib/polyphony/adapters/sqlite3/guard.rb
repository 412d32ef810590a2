# frozen_string_literal: true

module Polyphony
  class SQLite3
    # Around each call of SQLite: what its callbacks may do, and how an exception gets past SQLite's C, through which
    # none may pass. It is kept, SQLite is told to give up, and it is raised when SQLite has returned.
    #
    # For a Connection; `busy_timeout` is its.
    module Guard
      # Where ext/sqlite finds it: a variable of the fiber.
      KEY = :polyphony_sqlite3_guard
      # Seconds between two tries for a lock that another process has; they double.
      FIRST_NAP = 0.001
      LONGEST_NAP = 0.005
      private_constant :KEY, :FIRST_NAP, :LONGEST_NAP

      # @return [Object] the block's value
      # @raise [Exception] what came while SQLite was at work: it has given up
      # @suspends each millisecond of SQLite's work, and while another process has locked the database
      def guard
        thread = ::Thread.current
        before = thread[KEY]
        thread[KEY] = self
        value = yield
        raise_cut # where SQLite could do without the lock that it did not get
        value
      rescue ::SQLite3::Exception
        raise_cut
        raise
      ensure
        thread[KEY] = before
      end

      # @return [String] what the fiber waits for, in the midst of a query
      # @suspends no
      def to_s = "its turn in a query to #{inspect}"

      # Called in the midst of a query. @api private
      #
      # @return [Boolean] whether to go on
      # @suspends until the others have had their turn
      def pause
        # Unlike snooze, this always has a look at the timers and descriptors. Threads without fibers may ask, too.
        Scheduler.current ? Scheduler.park(self, 0) : ::Thread.pass
        true
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised by guard
        @cut = e
        false
      end

      # SQLite's busy handler. @api private
      #
      # @param count [Integer] how often it was called for this lock before
      # @return [Boolean] whether to try again
      # @suspends for a moment
      def busy(count)
        @give_up_at = Polyphony.now + busy_timeout if count.zero?
        return false if Polyphony.now >= @give_up_at

        ::Kernel.sleep([FIRST_NAP * (2**[count, 10].min), LONGEST_NAP].min)
        true
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised by guard
        @cut = e
        false
      end

      private

      def raise_cut
        cut, @cut = @cut, nil
        raise cut, cause: cut.cause if cut
      end
    end
    private_constant :Guard
  end
end
