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
          wait_for(child, -> { child.life.stop_now }) { child.life.dead? }
        end
      rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised at the end
        unwinding.add(e)
        now = @owner.hurried_by?(e)
        @children.each_value { |child| now ? child.life.stop_now : child.finish }
      end

      # Errors that nobody was told of yet go up with the one that is raised.
      def collect(unwinding)
        @owner.take(@raised.failure) if @raised&.failure
        @children.each_value do |child|
          life = child.life
          life.supervision = nil
          failure = life.failure
          unwinding.add_failure(failure) if failure && !child.answered.equal?(failure.error)
        end
      end
    end
    private_constant :Shutdown
  end
end
