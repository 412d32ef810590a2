# frozen_string_literal: true

require 'socket'

module Polyphony
  module HTTP
    module Operation
      # What systemd is told, if it asks (sd_notify(3)), and the sockets that it passes (sd_listen_fds(3)).
      module Notify
        # The first descriptor that is passed.
        FIRST = 3

        VARIABLES = %w[NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID LISTEN_FDNAMES].freeze
        private_constant :VARIABLES

        class << self
          # @param states [Array<String>] as "READY=1"
          # @return [Boolean] whether anybody was told
          # @suspends no
          def send(*states)
            path = ENV.fetch('NOTIFY_SOCKET', '')
            return false if path.empty?

            ::Socket.open(:UNIX, :DGRAM) do |socket|
              socket.connect(::Socket.pack_sockaddr_un(path.sub(/\A@/, "\0")))
              socket.sendmsg_nonblock(states.join("\n"))
            end
            true
          rescue ::SystemCallError, ::ArgumentError => e
            warn("polyphony: NOTIFY_SOCKET cannot be written to: #{e.message}") unless @warned
            @warned = true
            false
          end

          # @return [Boolean]
          # @suspends no
          def ready(status) = send('READY=1', "STATUS=#{status}")

          # @return [Boolean]
          # @suspends no
          def reloading
            microseconds = ::Process.clock_gettime(::Process::CLOCK_MONOTONIC, :microsecond)
            send('RELOADING=1', "MONOTONIC_USEC=#{microseconds}")
          end

          # Says that we live, as often as systemd wants: twice in the time that it waits.
          #
          # @param now [Float]
          # @return [Boolean]
          # @suspends no
          def alive(now)
            interval = watchdog_interval
            return false if interval.nil? || (@last && now - @last < interval)

            @last = now
            send('WATCHDOG=1')
          end

          # @return [Float, nil] seconds between two signs of life that the watchdog wants
          # @suspends no
          def watchdog_interval
            return unless ENV.fetch('WATCHDOG_PID', ::Process.pid.to_s).to_i == ::Process.pid

            microseconds = ENV.fetch('WATCHDOG_USEC', '').to_i
            microseconds / 2_000_000.0 if microseconds.positive?
          end

          # @return [Array<String>] `fd://3` and so on: sockets that were passed to this process
          # @suspends no
          def passed
            return [] unless ENV.fetch('LISTEN_PID', '').to_i == ::Process.pid

            Array.new(ENV.fetch('LISTEN_FDS', '0').to_i) { |i| "fd://#{FIRST + i}" }
          end

          # What was meant for the first process is not for its children, nor for what they start.
          #
          # @return [void]
          # @suspends no
          def forget
            VARIABLES.each { |name| ENV.delete(name) }
          end
        end
      end
    end
  end
end
