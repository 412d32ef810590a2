# frozen_string_literal: true

module Polyphony
  # Figures of the running thread's scheduler, to be logged or exported now and then. They count from
  # when the scheduler was made; take differences for rates.
  #
  # | Key | What |
  # |---|---|
  # | `:backend` | the event loop, "libev" |
  # | `:fibers` | fibers that have not ended, without the root |
  # | `:spawned` | fibers started so far |
  # | `:ready` | fibers that can run now: how long the queue is |
  # | `:waiting` | fibers that wait for something |
  # | `:messages` | messages that wait in their mailboxes |
  # | `:watches` | descriptors, timers and processes waited for |
  # | `:switches` | switches from one fiber to another |
  # | `:polls` | looks at the operating system while there was something to run |
  # | `:waits` | those that could sleep, since there was nothing to run |
  # | `:longest_run` | seconds between two looks at the operating system, at most |
  #
  # The longest run is known to some milliseconds; if it is long, one fiber was nearly all of it, and kept all
  # others from running. While there is a {watchdog} it is exact, and of one fiber.
  #
  # @param threads [Symbol, nil] `:all` for those of all threads
  # @return [Hash{Symbol => Integer, Float, String}] empty for a thread without a scheduler of ours;
  #   for `:all` a Hash of such Hashes, by thread
  # @raise [ArgumentError] for anything but `:all`
  # @suspends no
  def self.stats(threads = nil)
    case threads
    when nil then Scheduler.current ? Stats.of(Scheduler.current) : {}
    when :all then Tree.schedulers.to_h { |scheduler| [scheduler.root.thread, Stats.of(scheduler)] }
    else raise ::ArgumentError, "stats are of the running thread, or of :all, not of #{threads.inspect}"
    end
  end

  # @see Polyphony.stats
  # @api private
  module Stats
    # @param scheduler [Scheduler]
    # @return [Hash{Symbol => Integer, Float, String}]
    # @suspends no
    def self.of(scheduler)
      lives = [scheduler.root, *scheduler.tasks].filter_map(&:handle)
      scheduler.stats.merge(messages: lives.sum(&:mailbox_size))
    end

    # @param stats [Hash]
    # @return [String] one line of them, "fibers=3 ready=0 …"
    # @suspends no
    def self.line(stats)
      stats.map { |key, value| "#{key}=#{value.is_a?(::Float) ? format('%.3f', value) : value}" }.join(' ')
    end
  end
  private_constant :Stats
end
