# frozen_string_literal: true

require 'openssl'
require 'socket'
require_relative 'wire/dialing'

module Polyphony
  class Redis
    # The bytes of one connection, with or without TLS: what has come is taken, what goes out goes out piece by
    # piece, so that an interruption leaves nothing half known. All waiting is the backend's.
    # @api private
    class Wire
      # Bytes asked for at a time; of a long string more.
      CHUNK = 16_384
      LARGE_CHUNK = 262_144
      # Bytes handed to the system at a time.
      SLICE = 1 << 20
      private_constant :CHUNK, :LARGE_CHUNK, :SLICE

      # What a connection that breaks raises.
      BROKEN = [::SystemCallError, ::IOError, ::OpenSSL::SSL::SSLError].freeze

      # @param config [RedisClient::Config]
      # @param timeout [Numeric, nil] seconds
      # @return [Wire]
      # @raise [RedisClient::CannotConnectError]
      # @suspends until connected, and the handshake of TLS is done
      def self.open(config, timeout) = new(Dialing.dial(config, timeout))

      # @param io [Socket, OpenSSL::SSL::SSLSocket]
      def initialize(io)
        @io = io
        @socket = io.to_io
        @backend = Polyphony.backend
        @buffer = ::String.new(capacity: CHUNK)
        @peeked = ::String.new(capacity: 16)
      end

      # Reads what has come, or waits for it: the reply to a short command is often there already.
      #
      # @param timeout [Numeric, nil] seconds
      # @param missing [Integer] bytes that are known to come
      # @return [String, nil] nil when nothing came in time; its bytes are overwritten by the next read
      # @raise [EOFError, SystemCallError, OpenSSL::SSL::SSLError]
      # @suspends until something comes
      def read(timeout, missing = 0)
        until (got = take(missing))
          return unless @backend.wait_io(@socket, @needs_write, timeout)
        end
        got
      end

      # What has come already.
      #
      # @param missing [Integer] bytes that are known to come
      # @return [String, nil] as {#read}
      # @raise [EOFError, SystemCallError, OpenSSL::SSL::SSLError]
      # @suspends no
      def take(missing = 0)
        got = @io.read_nonblock(missing > CHUNK ? LARGE_CHUNK : CHUNK, @buffer, exception: false)
        return got if got.is_a?(::String)
        raise ::EOFError, 'the server closed the connection' if got.nil?

        @needs_write = got == :wait_writable # TLS may want that
        nil
      end

      # Hands bytes to the system, as many as it takes at once.
      #
      # @param string [String] BINARY
      # @param from [Integer] where to begin
      # @return [Integer, nil] how many; nil: none now, see {#wait_writable}
      # @raise [SystemCallError, IOError, OpenSSL::SSL::SSLError]
      # @suspends no
      def offer(string, from)
        piece = from.zero? && string.bytesize <= SLICE ? string : string.byteslice(from, SLICE)
        taken = @io.write_nonblock(piece, exception: false)
        taken if taken.is_a?(::Integer)
      end

      # @param timeout [Numeric, nil] seconds
      # @return [Object, nil] nil when the time is over
      # @suspends until the system takes more
      def wait_writable(timeout) = @backend.wait_io(@socket, true, timeout)

      # @return [Boolean] whether something has come, or the other side has gone
      # @suspends no
      def readable?
        @socket.recv_nonblock(1, ::Socket::MSG_PEEK, @peeked, exception: false) != :wait_readable
      rescue ::SystemCallError, ::IOError
        true
      end

      # Ends what waits here, as if the other side had gone. {#close} is still to be called.
      # @suspends no
      def cut
        @socket.shutdown(::Socket::SHUT_RDWR)
      rescue ::SystemCallError, ::IOError
        nil # it has gone
      end

      # Closes the socket, without the farewell of TLS, which could wait, and which Redis does not need.
      # @suspends no
      def close
        @socket.close
      end

      # @return [Boolean]
      # @suspends no
      def closed? = @socket.closed?
    end
    private_constant :Wire
  end
end
