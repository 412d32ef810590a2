# frozen_string_literal: true

require 'socket'

module Polyphony
  module HTTP
    module Operation
      # What systemd is told, if it asks (sd_notify(3)), and the sockets that it passes (sd_listen_fds(3)).
      module Notify
        # The first descriptor that is passed.
        FIRST = 3

        class << self
          # @param states [Array<String>] as "READY=1"
          # @return [Boolean] whether anybody was told
          # @suspends no
          def send(*states)
            path = ENV.fetch('NOTIFY_SOCKET', nil)
            return false if path.nil? || path.empty?

            ::Socket.open(:UNIX, :DGRAM) do |socket|
              socket.connect(::Socket.pack_sockaddr_un(path.sub(/\A@/, "\0")))
              socket.send(states.join("\n"), 0)
            end
            true
          rescue ::SystemCallError => e
            warn("polyphony: NOTIFY_SOCKET cannot be written to: #{e.message}")
            false
          end

          # @return [Float, nil] seconds between two signs of life that the watchdog wants
          def watchdog_interval
            return unless ENV.fetch('WATCHDOG_PID', ::Process.pid.to_s).to_i == ::Process.pid

            microseconds = ENV.fetch('WATCHDOG_USEC', '').to_i
            microseconds / 2_000_000.0 if microseconds.positive?
          end

          # @return [Array<String>] `fd://3` and so on: sockets that were passed to this process
          def inherited
            return [] unless ENV.fetch('LISTEN_PID', '').to_i == ::Process.pid

            Array.new(ENV.fetch('LISTEN_FDS', '0').to_i) { |i| "fd://#{FIRST + i}" }
          end
        end
      end
    end
  end
end
