# frozen_string_literal: true

require 'socket'
require 'polyphony/scheduler'
require_relative 'stock/bench'
require_relative 'stock/child'
require_relative 'stock/leaks'
require_relative 'stock/script'

# The tools of spec/stock: every example sets Polyphony::Scheduler, and nothing else of Polyphony, on the
# root fiber of a fresh thread, makes one call of stock Ruby in a fiber there, and shows by a ticker fiber
# on the same thread whether the call let other fibers run. No time is measured: the event that ends the
# call is produced by the ticker, so a call that blocks the thread can never end (and the bench says so).
#
#   RSpec.describe 'IO', :stock do
#     it 'gets on a pipe' do
#       reader, writer = pipe
#       line = beside_ticker(-> { writer.puts 'hello' }) { reader.gets }
#       expect(line).to eq("hello\n")
#     end
#   end
module Stock
  # What the running Ruby can do. Hooks that Ruby calls cannot be asked for: by what came with them.
  IO_TIMEOUT = IO.method_defined?(:timeout=)
  IO_SELECT_HOOK = Fiber.respond_to?(:blocking) # both are new in 3.2
  IO_WRITE_HOOK = RUBY_VERSION >= '3.3.1' # earlier ones lose data; Polyphony::Scheduler leaves them out
  QUEUE_TIMEOUT = Fiber.respond_to?(:blocking) # Queue#pop(timeout:) is new in 3.2
  JOIN_TIMES_OUT = RUBY_VERSION >= '3.3' # earlier, Thread#join(limit) waits again when its limit is up
  CLOSES_AFTER_ERROR = RUBY_VERSION >= '3.3' # earlier, a thread that ends in an error does not close its scheduler
  MUTEX_RELOCKS = RUBY_VERSION >= '3.3' # earlier, an exception in Mutex#sleep leaves the mutex unlocked
  SWAPPED_BUFFER_ARGUMENTS = defined?(IO::Buffer::VERSION) && IO::Buffer::VERSION >= 3 # Ruby 4.1
  FAST_FALLBACK = Socket.respond_to?(:tcp_fast_fallback=) # Ruby 3.4: connect by name selects on its own

  # Whether the fiber of an external enumerator may wait without blocking its thread.
  ENUMERATOR_WAITS = !Enumerator.new { |y| y << Fiber.current.blocking? }.next

  # Makes the call in one fiber, beside a ticker fiber on the same thread.
  #
  # @param event [Proc, nil] run by the ticker after its last tick: what the call waits for. Without it the
  #   call is expected to end by itself, and the ticker ticks until then
  # @param ticks [Integer] how often the ticker gives way before the event
  # @return [Object] what the call returned; its error is raised
  # @raise [RSpec::Expectations::ExpectationNotMetError] when the call blocked the thread, or did not wait
  def beside_ticker(event = nil, ticks: 10, &call)
    bench = Bench.new(event, ticks, call)
    bench.run
    event ? bench.waited_for_event! : bench.ticked!
    bench.value
  end

  # The opposite: shows that the call holds up every fiber of its thread. The event comes from another thread,
  # once the call has stopped its own.
  #
  # @return [Object] what the call returned; its error is raised
  def blocks_the_thread(event = nil, &call)
    bench = Bench.new(nil, Float::INFINITY, call)
    bench.run(event)
    bench.never_ticked!
    bench.value
  end

  # Runs the block as the root fiber of a fresh thread that has a scheduler, and returns its value when all
  # fibers have finished. For what needs more than one call and one ticker.
  def in_scheduler(&block)
    root = nil
    thread = Thread.new do
      Thread.current.report_on_exception = false
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      root = block.call
    rescue Exception # rubocop:disable Lint/RescueException -- raised again
      Fiber.set_scheduler(nil) unless CLOSES_AFTER_ERROR
      raise
    end
    Bench.join(thread) { 'the fibers did not finish' }
    root
  end

  # Lets the other fibers run +times+ times.
  def give_way(times = 10)
    times.times { sleep 0 }
  end

  # @return [IO] +io+, to be closed after the example
  def keep(io)
    @kept << io
    io
  end

  # @return [Array(IO, IO)] reader and writer, closed after the example
  def pipe(...)
    IO.pipe(...).each { |io| keep(io) }
  end

  # Takes a path in a folder of its own, removed after the example.
  def scratch(name = 'file')
    @scratch ||= Dir.mktmpdir('polyphony')
    File.join(@scratch, name)
  end

  def self.install(config)
    config.include Stock, stock: true
    config.around(:each, :stock) do |example|
      @kept = []
      leaks = Leaks.new
      example.run
    ensure
      @kept.each { |io| io.close unless io.closed? }
      FileUtils.remove_entry(@scratch) if @scratch
      leaks.check! unless example.exception
    end
  end
end

require 'tmpdir'
require 'fileutils'
RSpec.configure { |config| Stock.install(config) }
