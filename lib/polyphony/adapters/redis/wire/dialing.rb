# frozen_string_literal: true

module Polyphony
  class Redis
    class Wire
      # Opening a connection.
      module Dialing
        # Seconds of silence before the system asks whether the other side is still there; between its questions;
        # and how many of those may stay unanswered.
        KEEP_ALIVE = { TCP_KEEPIDLE: 60, TCP_KEEPINTVL: 15, TCP_KEEPCNT: 4 }.freeze
        private_constant :KEEP_ALIVE

        class << self
          # @see Wire.open
          def dial(config, timeout)
            socket = config.path ? unix(config.path) : tcp(config, timeout)
            opened = config.ssl ? secure(socket, config, timeout) : socket
          rescue ::SystemCallError, ::IOError, ::SocketError, ::OpenSSL::SSL::SSLError => e
            raise ::RedisClient::CannotConnectError, explain(e, config), e.backtrace
          ensure
            socket&.close unless opened
          end

          private

          def unix(path)
            ::UNIXSocket.new(path)
          end

          def tcp(config, timeout)
            socket = ::Socket.tcp(config.host, config.port, connect_timeout: timeout)
            socket.setsockopt(::Socket::IPPROTO_TCP, ::Socket::TCP_NODELAY, 1)
            socket.setsockopt(::Socket::SOL_SOCKET, ::Socket::SO_KEEPALIVE, true)
            KEEP_ALIVE.each do |name, value|
              next unless ::Socket.const_defined?(name)

              socket.setsockopt(::Socket::IPPROTO_TCP, ::Socket.const_get(name), value)
            end
            socket
          end

          def secure(socket, config, timeout)
            tls = ::OpenSSL::SSL::SSLSocket.new(socket, config.ssl_context)
            tls.hostname = config.host if config.host
            until (result = tls.connect_nonblock(exception: false)).equal?(tls)
              next if Polyphony.backend.wait_io(socket, result == :wait_writable, timeout)

              raise ::Errno::ETIMEDOUT, "no TLS handshake within #{timeout} s"
            end
            tls
          end

          def explain(error, config)
            case error
            when ::Errno::ECONNREFUSED, ::Errno::ENOENT
              "#{error.message}: is a Redis server running there? Set url:, or REDIS_URL"
            when ::OpenSSL::SSL::SSLError
              "#{error.message}: the TLS handshake failed. A url of rediss: needs a server with tls-port, and its " \
              "certificate must be one that is trusted: see ssl_params: (#{config.ssl_params.inspect})"
            else error.message
            end
          end
        end
      end
      private_constant :Dialing
    end
  end
end
