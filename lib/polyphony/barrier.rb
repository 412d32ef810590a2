# frozen_string_literal: true

module Polyphony
  # Where so many fibers, of any threads, wait for each other; when the last has arrived, all go on, and
  # the next round begins. Stock Ruby has nothing of the kind. To wait for fibers to *end*, use `await`
  # or `supervise`; where those who arrive need not wait, {Latch}.
  #
  #   step = Polyphony::Barrier.new(4)
  #   4.times { |i| spin { loop { compute(i); step.wait } } }
  #
  # A fiber that is stopped or runs out of time while it waits has not arrived: the others wait on,
  # for one more to come.
  class Barrier
    # Those who have arrived since the last time that all went on.
    Round = ::Struct.new(:arrived, :complete)
    private_constant :Round

    # @return [Integer] how many wait for each other
    attr_reader :parties

    # @param parties [Integer]
    # @raise [ArgumentError] unless it is a positive Integer
    # @suspends no
    def initialize(parties)
      @parties = Polyphony.count(parties, 'parties')
      @line = WaitingLine.new('barrier', self)
      @round = Round.new(0, false)
      @closed = false
    end

    # Arrives, and waits for the others.
    #
    # @param timeout [Numeric, nil] seconds to wait at most; nil: without limit
    # @return [Integer] how many had arrived before it in this round: one fiber gets 0
    # @raise [Polyphony::TimeoutError] when the others did not come in time
    # @raise [Polyphony::Closed] when it is closed, or gets closed meanwhile
    # @raise [TypeError, ArgumentError] for a timeout that is no number of seconds
    # @suspends until all are there; always a point where the fiber can be stopped
    def wait(timeout: nil)
      round = place = nil
      @line.wait_until(timeout) do
        next true if @closed

        round, place = arrive unless round
        round.complete
      end
      return place if complete?(round)

      raise @closed ? Closed.new('the barrier is closed') : TimeoutError.new("not all came in time: #{inspect}")
    ensure
      withdraw(round) if round
    end

    # Nobody waits here any more: who does, or comes, gets an error.
    #
    # @return [self]
    # @suspends no
    def close
      @closed = true
      @line.wake_all
      self
    end

    # @return [Boolean]
    # @suspends no
    def closed?
      @closed
    end

    # @return [Integer] fibers that have arrived and wait
    # @suspends no
    def waiting
      @round.arrived
    end

    # @return [String]
    def inspect
      "#<#{self.class} #{@closed ? 'closed' : "#{waiting} of #{@parties} there"}>"
    end

    private

    def arrive
      round = @round
      place = round.arrived
      round.arrived += 1
      complete(round) if round.arrived == @parties
      [round, place]
    end

    def complete(round)
      round.complete = true
      @round = Round.new(0, false)
      @line.wake_all
    end

    # The last may have come just when this one gave up: then all are there.
    def complete?(round)
      @line.synchronize { round&.complete }
    end

    def withdraw(round)
      @line.synchronize { round.arrived -= 1 unless round.complete }
    end
  end
end
