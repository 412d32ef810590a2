# frozen_string_literal: true

module Bench
  # What the body of a row can use, and the stopwatch around it. Every unit that was started must have finished and
  # every check must hold, or the result is a failure and no figure.
  class Stage
    Failure = Class.new(StandardError)
    FIRST_N = 100

    attr_reader :extra

    def initialize(peer, row, seconds:)
      @peer = peer
      @row = row
      @seconds = seconds
      @body = row.body_for(peer) or raise Failure, 'has no such call'
      @extra = {}
    end

    # Starts a concurrent unit.
    def go
      @started += 1
      @peer.go do
        yield
        @done += 1
      rescue Exception => e # rubocop:disable Lint/RescueException -- whatever it is, it spoils the figure
        @error ||= e
      end
    end

    # Registers a block that must be true when all units have finished.
    def check(what, &block) = @checks << [what, block]

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    def cpu = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
    def rss_kb = File.read('/proc/self/status')[/VmRSS:\s+(\d+)/, 1].to_i

    # A TCPServer of polyphony 1.6 cannot tell its port, so it is picked beforehand.
    def free_port = Addrinfo.tcp('127.0.0.1', 0).bind { |socket| socket.local_address.ip_port }

    # @param n [Integer, nil] a given size; nil: the row's own, or as many as fill the time
    # @return [Hash] the figures
    def measure(n = nil)
      n ||= @row.fixed
      n ? pass([n / 100, 10].max) : n = calibrate
      GC.start
      wall, cpu, ops = pass(n)
      { n: n, ops: ops, wall: wall, rate: ops / wall, cpu_us: cpu / ops * 1e6 }.merge(@extra)
    end

    private

    # Grows n until a pass takes long enough to foretell the n that fills the time; this also warms everything up.
    def calibrate
      n = FIRST_N
      loop do
        wall, = pass(n)
        return [(n * @seconds / wall).to_i, 1].max if wall > @seconds * 0.15

        n = (n * (@seconds * 0.3 / wall).clamp(2, 20)).to_i
      end
    end

    def pass(n)
      @started = @done = 0
      @error = nil
      @checks = []
      ops = nil
      wall = now
      cpu = self.cpu
      run { ops = instance_exec(n, &@body) }
      [now - wall, self.cpu - cpu, ops].tap { verify(ops) }
    end

    def run
      failing = proc do
        yield
      rescue Exception => e # rubocop:disable Lint/RescueException
        @error ||= e
      end
      @row.own? ? @peer.run_own(&failing) : @peer.run(&failing)
    end

    def verify(ops)
      raise Failure, "#{@error.class}: #{@error.message.lines.first&.strip} at #{@error.backtrace&.first}" if @error
      raise Failure, "finished #{@done} of #{@started}" unless @done == @started && ops

      @checks.each { |what, block| block.call or raise Failure, "check failed: #{what}" }
    end
  end
end
