# frozen_string_literal: true

require_relative 'dump/handler'

module Polyphony
  # Where the whole process stands, for when it hangs or is slow: all threads, their fibers as in
  # {tree}, each with its backtrace, and {stats}. Threads without a scheduler are there, too.
  #
  # @param frames [Integer] lines of each fiber's backtrace, without ours
  # @param fold [Integer, nil] how many siblings that do the same are shown; nil: all of them
  # @param width [Integer, nil] columns, as in {tree}
  # @return [String] several lines, the last with its newline
  # @raise [ArgumentError] unless frames, fold and width are positive Integers
  # @suspends no
  def self.dump(frames: Dump::FRAMES, fold: Tree::FOLD, width: nil)
    Dump.new(frames, fold, width).text
  end

  # Writes a {dump} whenever a signal comes: `kill -QUIT pid`, or Ctrl-\ on the terminal. The program
  # goes on. Works while all fibers wait and while one computes, but not inside of a C function that
  # never returns to Ruby. POLYPHONY_DUMP=QUIT in the environment does so from the start.
  #
  # A handler that the program had for the signal is called after it. Ruby's default action, which
  # would end the program, is not taken.
  #
  # @param signal [String, Symbol]
  # @param io [#write] written to in a thread of its own, so anything goes that a thread can do
  # @param frames [Integer]
  # @param fold [Integer, nil]
  # @return [Polyphony::Dump::Handler] its `stop` puts back what was there before
  # @raise [ArgumentError] for a signal that Ruby or the system does not have, or reserves
  # @suspends no
  def self.dump_on(signal = 'QUIT', io: $stderr, frames: Dump::FRAMES, fold: Tree::FOLD)
    Dump::Handler.new(signal, io, frames: frames, fold: fold).start
  end

  # @see Polyphony.dump
  class Dump
    # Lines of each backtrace.
    FRAMES = 8

    # @api private
    def initialize(frames, fold, width)
      @frames = Polyphony.count(frames, 'frames')
      @layout = Tree::Layout.new(width)
      @tree = Tree.new(fold: fold, width: width) { |node| top(node.frames) }
    end

    # @return [String]
    # @suspends no
    def text
      schedulers = Tree.schedulers
      others = ::Thread.list - schedulers.map { |scheduler| scheduler.root.thread }
      parts = schedulers.map { |one| guard { with_fibers(one) } } + others.map { |one| guard { alone(one) } }
      [header, *parts, "polyphony dump: end\n"].join("\n")
    end

    private

    def header
      @layout.line(0, "polyphony dump: #{$PROGRAM_NAME}, process #{::Process.pid}, " \
                      "#{::Time.now.strftime('%F %T.%3N')}, ruby #{::RUBY_VERSION}, polyphony #{VERSION}")
    end

    def with_fibers(scheduler)
      thread = "thread #{Tree::Words.thread(scheduler.root.thread)}, #{Stats.line(Stats.of(scheduler))}"
      [@layout.line(0, thread), @tree.of(scheduler)].join("\n")
    end

    def alone(thread)
      lines = top(Frames.shown(thread.backtrace)).map { |line| @layout.line(2, line) }
      [@layout.line(0, "thread #{Tree::Words.thread(thread)}, no fibers"), *lines].join("\n")
    end

    def top(lines)
      lines.first(@frames).map { |line| "| #{Frames.short(line)}" }
    end

    # What there is, rather than nothing.
    def guard
      yield
    rescue ::StandardError => e
      "(#{e.class}: #{e.message})"
    end
  end

  Dump::Handler.from_environment(ENV.fetch('POLYPHONY_DUMP', nil))
end
