# frozen_string_literal: true

# The schedulers that are compared. A peer is one line here: how it is loaded, and how a benchmark's concurrent
# units are started and waited for on it.
module Bench
  # A scheduler behind stock Ruby's interface: fibers come from Fiber.schedule, waits from Ruby's own classes.
  class StockPeer
    attr_reader :name, :dialect

    # @param name [String] what `--peers` calls it
    # @param gem [String, nil] the gem it comes from; nil for the tree itself
    # @param dialect [Symbol, nil] which body of an own-API row it runs
    # @param detail [Proc, nil] what else tells its version
    def initialize(name, gem: nil, dialect: nil, detail: nil, &build)
      @name = name
      @gem = gem
      @dialect = dialect
      @detail = detail
      @build = build
    end

    # Loads the peer's library.
    # @return [String] its version
    # @raise [LoadError] if it is not installed or was not built
    def load
      @build.call
      version = @gem ? Gem.loaded_specs.fetch(@gem).version.to_s : own_version
      @detail ? "#{version} on #{@detail.call}" : version
    end

    # Runs the block in a fiber of a fresh scheduler, in a thread of its own; returns when every fiber has finished.
    def run(&body)
      build = @build
      Thread.new do
        Thread.current.report_on_exception = false
        Fiber.set_scheduler(build.call.call)
        Fiber.schedule(&body)
      end.join
    end

    def go(&block) = Fiber.schedule(&block)

    # Loads what an own-API row needs beyond the scheduler.
    def load_own = @dialect == :polyphony && require('polyphony')

    # Runs a row written against the peer's own API.
    def run_own(&body)
      case @dialect
      when :polyphony then Polyphony.run(&body)
      when :async then Sync(&body)
      end
    end

    private

    def own_version
      require 'polyphony/version'
      Polyphony::VERSION
    end
  end

  # Plain threads: the yardstick that everyone has.
  class ThreadPeer
    def name = 'threads'
    def dialect = :threads
    def load = "Ruby #{RUBY_VERSION}"

    def run
      @threads = Queue.new
      yield
      @threads.pop.join until @threads.empty?
    end

    def go(&block) = @threads << Thread.new(&block)
    def load_own = nil
    def run_own = yield
  end

  # The earlier Polyphony, which patches Ruby's classes instead of plugging into them.
  class Polyphony16Peer
    def name = 'polyphony-1.6'
    def dialect = :polyphony16

    def load
      gem 'polyphony', '~> 1.6'
      require 'polyphony'
      "#{Gem.loaded_specs.fetch('polyphony').version} on #{Thread.current.backend.kind}"
    end

    def run
      yield
      Fiber.current.await_all_children
    end

    def go(&block) = spin(&block)
    def load_own = nil
    def run_own = yield
  end

  PEERS = [
    StockPeer.new('polyphony', dialect: :polyphony) { require 'polyphony/scheduler'; -> { Polyphony::Scheduler.new } },
    StockPeer.new('async', gem: 'async', dialect: :async, detail: -> { IO::Event::Selector.default }) do
      require 'async'
      -> { Async::Scheduler.new } # on the best selector that io-event was built with
    end,
    StockPeer.new('async-epoll', gem: 'async') do
      require 'async'
      -> { Async::Scheduler.new(selector: IO::Event::Selector::EPoll.new(Fiber.current)) }
    end,
    StockPeer.new('libev', gem: 'libev_scheduler') { require 'libev_scheduler'; -> { Libev::Scheduler.new } },
    StockPeer.new('evt', gem: 'evt') { require 'evt'; -> { Evt::Scheduler.new } },
    StockPeer.new('itsi', gem: 'itsi-scheduler') { require 'itsi/scheduler'; -> { Itsi::Scheduler.new } },
    StockPeer.new('fiber_scheduler', gem: 'fiber_scheduler') { require 'fiber_scheduler'; -> { FiberScheduler.new } },
    Polyphony16Peer.new,
    ThreadPeer.new
  ].to_h { |peer| [peer.name, peer] }.freeze
  OURS = 'polyphony'
end
