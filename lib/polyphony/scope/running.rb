# frozen_string_literal: true

module Polyphony
  class Scope
    # The course of a scope, and what its fibers tell it. To them it is what a parent is to other
    # children (see Lifecycle::Family). @api private
    module Running
      # @see Polyphony.scope
      # @suspends until all has ended
      def run
        @host.enter(self)
        value = through = nil
        value = run_block
        through = true
        settle
        @stopped ? @value : value
      ensure
        through ? close : leave # by `break`, `return` or `throw`, or as the thread is killed
      end

      # @return [Boolean] whether its fibers are being stopped: none of them is begun again
      def ending?
        @stopping
      end

      # @return [Array<Lifecycle>]
      def lives
        @lives.keys
      end

      # Takes +life+, which has been started, in.
      def adopt(life)
        @lives[life] = true
        life.stop_soon if @stopping
      end

      # Called by a fiber that has ended.
      def child_finished(life)
        @lives.delete(life)
        failure = life.failure
        deliver(failure) if failure && !life.supervision && !life.awaited_by?(@host)
        @settler&.wake if @lives.empty?
      end

      # An error of one of the fibers, which nobody has seen yet: ends the scope.
      def deliver(failure)
        return @host.deliver(failure) if @closed

        failure.news_for(@host).each do |news|
          @host.take(news)
          @unwinding.add(news.error)
          stop_lives(false)
          cut
        end
      end

      # The fiber ended while the block did not: it was in a nested fiber (an Enumerator) that was
      # never resumed again. What is left comes to the fiber itself.
      def abandon
        lives.each do |life|
          life.home = @host
          @host.adopt(life)
        end
        @lives.clear
        error = @unwinding.outcome
        @host.keep(error) if error
        close
      end

      # In a forked child, which has none of the fibers.
      def forget
        @lives.clear
      end

      private

      def run_block
        limit = @limit = CancelScope.new
        limit.run(nil) { @block.call(self) }
      rescue CancelScope::Expired => e
        @unwinding.add(e) unless e.scope.equal?(limit)
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised by settle
        @unwinding.add(e)
      ensure
        @limit = nil
      end

      # Waits for the fibers, come what may, then raises what there is to raise.
      def settle
        @settler = Lifecycle.current
        stop_lives(false) if @unwinding.any?
        wait { Scheduler.checkpoint }
        reason = Reason.new('the end of', self)
        wait { Scheduler.park(reason) until @lives.empty? } until @lives.empty?
        close
        @unwinding.finish
      end

      def wait
        yield
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised at the end
        @unwinding.add(e)
        stop_lives(@host.hurried_by?(e))
      end

      def leave
        if ::Thread.current.status == 'aborting' # Thread#kill: the scheduler ends the fibers
          close
        else
          settle
        end
      ensure
        close
      end

      def close
        return if @closed

        @closed = true
        @host.leave(self)
        @stoppers&.each(&:wake)
      end

      # Those that come later are told when they come (see {#adopt}).
      def stop_lives(now)
        return if @stopping && !now

        @stopping = true
        lives.each(&(now ? :stop_now : :stop_soon))
      end

      # Ends the block's current wait, or its next one.
      def cut
        @limit ? @limit.cancel : @settler&.wake
      end

      def wait_for_end(stopper, unwinds)
        Scheduler.checkpoint # in the block, or in a fiber of the scope: unwinds here
        return if stopper.equal?(@host) || (unwinds && within?(stopper))

        (@stoppers ||= []).push(stopper)
        begin
          Scheduler.park(Reason.new('stop of', self)) until @closed
        ensure
          @stoppers.delete(stopper)
        end
      end

      # Whether the scope waits for +life+.
      def within?(life)
        life = life.parent until life.nil? || life.home.equal?(self)
        !life.nil?
      end
    end
    private_constant :Running
  end
end
