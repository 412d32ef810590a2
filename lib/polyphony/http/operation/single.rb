# frozen_string_literal: true

require_relative 'notify'
require_relative 'pid_file'
require_relative 'sockets'
require_relative 'worker'

module Polyphony
  module HTTP
    module Operation
      # `workers 0`: the first process serves itself. Nobody starts it again when it dies, and a reload is of
      # certificates and logs only.
      class Single
        # @return [Log]
        attr_reader :log

        # @param configuration [Configuration]
        # @param log [Log]
        def initialize(configuration, log: Log.new($stderr))
          @configuration = configuration
          @log = log
        end

        # @return [Integer] the exit status
        # @raise [SystemCallError] when it cannot listen
        # @raise [Exception] what the app fails with
        # @suspends no: it is no part of a program with fibers
        def run
          %w[HUP USR1 TTIN TTOU].each { |name| ::Signal.trap(name) { nil } } # none of them is to end or stop us
          @sockets = Sockets.new(@configuration.bind)
          @pid_file = @configuration.pid_file && PidFile.new(@configuration.pid_file).write
          $PROGRAM_NAME = "polyphony: #{@sockets.addresses.join(' ')}"
          Worker.new(@configuration, @sockets, self).run
          @log.info('stopped')
          0
        ensure
          clean_up
        end

        # --- what its worker says, see {Life} ---

        # @return [Boolean]
        def ready
          @log.info("listening on #{@sockets.addresses.join(' ')}, process #{::Process.pid}") unless @ready
          @ready = true
          Notify.ready('serving')
        end

        # @return [Boolean]
        def beat
          Notify.alive(::Process.clock_gettime(::Process::CLOCK_MONOTONIC))
          true
        end

        # @return [Boolean]
        def reloading = Notify.reloading

        # @return [Boolean]
        def stopping = Notify.send('STOPPING=1')

        # @return [Numeric]
        def interval
          [1, (Notify.watchdog_interval || 2) / 2].min
        end

        # Also called by the handler of a signal.
        def clean_up
          @pid_file&.remove
          @sockets&.close
        end
      end
    end
  end
end
