# frozen_string_literal: true

module Polyphony
  # Fibers, of any threads, that wait for the same thing: first come, first served. Who is to have it next
  # is woken and looks itself, so that one who is interrupted at that moment takes nothing away: it leaves
  # the line, and the next one is woken.
  #
  # There is no lock: each step is one C function on an Array, during which no other thread runs (after it,
  # one may), and only who stands in line joins and leaves it; {#claim} excepted.
  class Line
    # One fiber's place in a line, or in several at once. What is given to it lies in the order it came; from
    # the end of the wait on, the list is frozen: so it is decided once, for giver and taker alike.
    class Place
      # @return [Lifecycle] whose it is
      attr_reader :life

      # @param life [Lifecycle]
      def initialize(life)
        @life = life
        @given = []
      end

      # Ends the wait of who stands here, with a message.
      #
      # @param channel [Channel] where it comes from
      # @return [Boolean] false when the wait has been ended already, by an interruption as a rule
      def give(channel, message)
        return false unless @life.task.state == :waiting

        @given.push(channel, message)
        @life.wake
        true
      rescue ::FrozenError
        false
      end

      # @return [Boolean]
      def given? = !@given.empty?

      # @return [Object] what was given
      def message = @given[1]

      # @return [Channel] by whom
      def giver = @given[0]

      # The wait is over. What was given and is not taken, since an interruption came from another thread at the
      # same moment, goes back.
      #
      # @param taken [Boolean] whether the first message was
      def close(taken)
        @given.freeze
        (taken ? 2 : 0).step(@given.size - 1, 2) { |i| @given[i].give_back(@given[i + 1]) }
      end

      # @return [Boolean] whether, in a forked child, its fiber stayed in the parent process
      def left_behind?
        @life.dead? || !@life.task.thread&.alive?
      end

      # Puts it back into a line that it was claimed from in vain: it takes its place again itself, with {#rejoin},
      # unless it was interrupted.
      def return_to(line)
        (@returned ||= []) << line
        @life.wake
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
      while (first = @places.first)&.left_behind?
        take_out(first)
      end
      @places.push(place)
    end

    # @param place [Place] one that was taken out by {#claim}
    def join_again(place)
      @places.unshift(place) unless @places.include?(place)
    end

    # @param place [Place]
    def leave(place)
      first?(place) ? take_out(place) : @places.delete(place)
    end

    # Takes the first out of the line, for {Place#give}; if that fails, see {Place#return_to}.
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

    private

    # Who was first just now. If another thread has claimed it since, the next one comes out: back with it, and it
    # looks itself whether it has missed anything.
    def take_out(place)
      other = @places.shift
      return if other.nil? || other.equal?(place)

      @places.unshift(other)
      other.life.wake
    end
  end
  private_constant :Line
end
