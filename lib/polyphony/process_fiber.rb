# frozen_string_literal: true

require_relative 'process_fiber/run'

module Polyphony
  # A fiber whose run is a process, made by {Polyphony.watch_process}: the process ends with the fiber,
  # and the fiber with the process. All that works on fibers works on it: `await`, `stop`, `restart`,
  # `supervise`, a parent that takes it along.
  class ProcessFiber < Fiber
    # @return [ProcessFiber::Run]
    # @api private
    attr_writer :process

    # @return [Integer, nil] of the process; nil while there is none: before the first wait, between two
    #   runs, after the end
    # @suspends no
    def pid
      @process.pid
    end

    # @return [String] what it runs, as it can be shown
    # @suspends no
    def command
      @process.title
    end

    # Sends a signal to the process; with `pgroup: true` to all of its group.
    #
    # @param signal [Symbol, String, Integer] as Process.kill takes it
    # @return [Boolean] false when there is no process
    # @raise [ArgumentError] for an unknown signal
    # @raise [Errno::EPERM] when it runs as somebody else
    # @suspends no
    def signal(signal)
      @process.signal(signal)
    end

    # @return [String]
    def inspect
      parts = [(command unless tag == command), ("pid #{pid}" if pid)].compact
      parts.empty? ? super : "#{super.delete_suffix('>')} #{parts.join(' ')}>"
    end
    alias to_s inspect
  end

  # Runs a process in a fiber: a child of the calling one, which it cannot outlive. However the fiber
  # ends (`stop`, an error elsewhere, a time limit, the end of its parent), nothing of the process is
  # left behind: it gets SIGTERM, after +grace+ seconds SIGKILL, and is waited for. So does, with
  # `pgroup: true`, all that it has started.
  #
  #   web = Polyphony.watch_process('bin/web', '--port', '9292', grace: 10)
  #   supervise(web, restart: :always, backoff: { max: 60 })
  #
  # @overload watch_process(env = {}, *command, grace: 5, tag: nil, pgroup: true, **options)
  #   @param env [Hash] environment variables; nil takes one away
  #   @param command [Array<String>] as Process.spawn takes it: one String may be a shell's, several are not
  #   @param options [Hash] as Process.spawn takes them: in:, out:, err:, chdir:, umask:, …
  # @overload watch_process(grace: 5, tag: nil, pgroup: true) { … }
  #   @yield in a forked process: its status is that of the block, as with `fork { }`
  # @param grace [Numeric] seconds between SIGTERM and SIGKILL
  # @param tag [Object] a name for messages and {tree}; by default the command
  # @param pgroup [Boolean, Integer, nil] true: the process leads a group of its own, which gets all
  #   signals. nil: it is in ours, and alone gets them; what it has started may be left behind
  # @return [Polyphony::ProcessFiber] its `await` gives the Process::Status
  # @raise [ArgumentError] without a command, or with both a command and a block
  # @raise [TypeError, ArgumentError] for a grace that is no number of seconds
  # @raise [Polyphony::ProcessFailed] in the fiber, when the process ends with another status than 0
  # @raise [SystemCallError] in the fiber, when it cannot be started
  # @suspends no
  def self.watch_process(*command, grace: 5, tag: nil, pgroup: true, **options, &block)
    run = ProcessFiber::Run.new(command, block, grace: grace, pgroup: pgroup, options: options)
    site = block || ProcessFiber::Run::Site.new(caller_locations(1, 1).first.then { |at| [at.path, at.lineno] })
    fiber = ProcessFiber.spin(tag || run.title, -> { run.call }, site)
    fiber.process = run
    fiber
  end
end
