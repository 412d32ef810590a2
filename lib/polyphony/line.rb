# frozen_string_literal: true

module Polyphony
  # Fibers, of any threads, that wait for the same thing: first come, first served. Who is to have it next
  # is woken and looks itself, so that one who is interrupted at that moment takes nothing away: it leaves
  # the line, and the next one is woken.
  #
  # There is no lock: each step is one C function on an Array, during which no other thread runs, and
  # only who stands in line joins and leaves it; {#claim} excepted.
  class Line
    # One fiber's place in a line, or in several at once.
    class Place
      # @return [Lifecycle] whose it is
      attr_reader :life
      # @return [Object] what it offers, or what it was given
      attr_reader :message
      # @return [Object, nil] who gave it, or took it
      attr_reader :partner

      # @param life [Lifecycle]
      # @param message [Object] what it offers
      def initialize(life, message = nil)
        @life = life
        @message = message
      end

      # Ends the wait of who stands here with success. This and an interruption cannot both be: nothing
      # lies between the look at the state and the wake-up that lets another thread run.
      #
      # @return [Boolean] false when its wait has been ended already, by an interruption as a rule
      def settle(partner, message)
        if @life.task.state == :waiting
          @partner = partner
          @message = message
          @life.wake
          true
        else
          false
        end
      end

      # Puts it back into a line that it was claimed from in vain: it takes its place again itself, with {#rejoin},
      # unless it was interrupted.
      def return_to(line)
        (@returned ||= []) << line
        @life.wake
      end

      # @return [Boolean] whether, in a forked child, its fiber stayed in the parent process
      def left_behind?
        @life.dead? || !@life.task.thread&.alive?
      end

      # After a wait.
      def rejoin
        return unless @returned

        while (line = @returned.shift)
          line.join_again(self)
        end
      end
    end

    def initialize
      @places = []
    end

    # @param place [Place]
    def join(place)
      @places.shift while @places.first&.left_behind?
      @places.push(place)
    end

    # @param place [Place] one that was taken out by {#claim}
    def join_again(place)
      @places.unshift(place) unless @places.include?(place)
    end

    # @param place [Place]
    def leave(place)
      first?(place) ? @places.shift : @places.delete(place)
    end

    # Takes the first out of the line, for {Place#settle}; if that fails, see {Place#return_to}.
    #
    # @return [Place, nil]
    def claim = @places.shift

    # @return [Boolean]
    def first?(place) = @places.first.equal?(place)

    # @return [Boolean]
    def empty? = @places.empty?

    # @return [Integer]
    def size = @places.size

    # Wakes who is first.
    def wake
      @places.first&.life&.wake
    end

    # Wakes all of them.
    def wake_all
      @places.dup.each { |place| place.life.wake }
    end
  end
  private_constant :Line
end
