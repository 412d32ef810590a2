# frozen_string_literal: true

module Polyphony
  class Supervisor
    # What follows from the end of a run.
    module Decisions
      private

      # @param event [Symbol] :rests, :gone or :over, see {Child}
      # @param outcome [Array(Exception, Object)] of a run; nothing when that was told before
      def handle(child, event, *outcome)
        error, result = outcome
        @callback&.call(child.fiber, error || result) unless outcome.empty?
        return ended(child, error) if event == :gone && child.state == :gone
        return decide(child, error, result) if child.undecided?

        answer(child, error) # held; or stopped or restarted by somebody since
      end

      def decide(child, error, result)
        if !@policy.restart?(child.fiber, error, result)
          return ended(child, error) if child.state == :over

          child.finish
          escalate(child.life, error) if error
        elsif child.state == :over
          revive(child, error)
        elsif child.state == :ended
          restart(child, error)
        else
          answer(child, error) # somebody has stopped it meanwhile
        end
      end

      def revive(child, error)
        life = child.life
        if life.elsewhere?
          raise Error, "#{life.fiber.inspect} has ended on another thread, and can be restarted only there: " \
                       'supervise it before it ends'
        end
        give_up(life, error) if @policy.intensity.exceeded?
        answer(child, error)
        child.revive
      end

      # It has ended for good.
      def ended(child, error)
        life = child.life
        error ||= life.error
        forget(life)
        return if error.nil? || child.answered.equal?(error)

        moot?(child, error) ? report(life, error) : escalate(life, error)
      end

      # Whether an error needs no other answer than that the fiber has ended: a restart would have been the
      # answer, but somebody has stopped the fiber.
      def moot?(child, error)
        @policy.temporary? || (child.stopped? && @policy.restart?(child.fiber, error, nil))
      end

      def forget(life)
        @children.delete(life)
        life.supervision = nil
      end

      def answer(child, error)
        child.answered = error
        report(child.life, error) if error
      end

      def restart(child, error)
        give_up(child.life, error) if @policy.intensity.exceeded?
        answer(child, error)
        delay = @policy.delay(child)
        members = group_of(child)
        members.size == 1 ? restart_one(child, delay) : restart_group(members, delay)
      end

      def restart_one(child, delay)
        child.release(delay.positive? ? Polyphony.now + delay : nil)
      end

      # @raise [Exception] +error+
      def escalate(life, error)
        @raised = [life, error]
        raise error, cause: error.cause
      end

      # @raise [Polyphony::RestartLimit]
      def give_up(life, error)
        @raised = [life, error]
        raise RestartLimit.for(life.fiber, error, @policy.intensity), cause: error
      end

      # Without a block nobody else would know.
      def report(life, error)
        say(life, error) unless @callback
      end

      def say(life, error)
        warn("polyphony: supervised #{life.fiber.inspect} failed: #{error.full_message(highlight: false)}")
      end
    end
    private_constant :Decisions
  end
end
