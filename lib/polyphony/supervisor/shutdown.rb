# frozen_string_literal: true

module Polyphony
  class Supervisor
    # However `supervise` is left, what it supervised has ended by then: stopped in reverse order, one
    # after the other.
    module Shutdown
      private

      # @raise [Exception] what there is to raise
      def shut_down(unwinding)
        @closing = true
        forget_pending(@raised.last) if @raised
        end_in_turn(unwinding) while alive?
        collect(unwinding)
        unwinding.finish
      ensure
        @owner.supervisor = nil if @owner.supervisor.equal?(self)
      end

      def alive?
        @children.each_key.any? { |life| !life.dead? }
      end

      # Who is interrupted meanwhile stops them all at once.
      def end_in_turn(unwinding)
        @children.values.reverse_each do |child|
          child.finish
          wait_for(child.life, :stop_now) { child.life.dead? }
        end
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised at the end
        unwinding.add(e)
        now = @owner.hurried_by?(e)
        @children.each_value { |child| now ? child.life.stop_now : child.finish }
      end

      # Errors that nobody was told of yet go up with the one that is raised.
      def collect(unwinding)
        take_raised
        @children.each_value { |child| collect_failure(child, unwinding) }
        @events.each { |child, _event, error| collect_error(child, error, unwinding) if error }
      end

      # It is raised here: it is not to come again by another way, through a fiber that awaited this one.
      def take_raised
        life, error = @raised
        failure = life&.failure
        return unless failure && failure.error.equal?(error)

        failure.seen_by?(@owner) ? forget_pending(error) : @owner.take(failure)
      end

      def forget_pending(error)
        @owner.task.take_pending&.each { |late| @owner.interrupt(late) unless late.equal?(error) }
      end

      def collect_failure(child, unwinding)
        life = child.life
        life.supervision = nil
        failure = life.failure
        return if failure.nil? || child.answered.equal?(failure.error)

        child.answered = failure.error
        @policy.temporary? ? say(life, failure.error) : unwinding.add_failure(failure)
      end

      # It failed, and then was stopped or restarted before the supervisor could look at it.
      def collect_error(child, error, unwinding)
        return if child.answered.equal?(error) || @raised&.last.equal?(error)

        @policy.temporary? ? say(child.life, error) : unwinding.add(error)
      end
    end
    private_constant :Shutdown
  end
end
