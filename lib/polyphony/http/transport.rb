# frozen_string_literal: true

module Polyphony
  module HTTP
    # The bytes of one connection: a socket, or TLS over one. Reading suspends until something has come,
    # writing until all of it is with the kernel.
    # @api private
    module Transport
      # Bytes asked for at a time.
      READ_SIZE = 16_384

      @gone = [::IOError, ::Errno::ECONNRESET, ::Errno::EPIPE, ::Errno::ETIMEDOUT, ::Errno::ENOTCONN,
               ::Errno::ECONNABORTED, ::Errno::EHOSTUNREACH, ::Errno::EBADF]

      # @return [Array<Class>] what a client that goes away raises here, in all its forms
      def self.gone = @gone

      # Asks the kernel what of our bytes the other side has not taken yet (SIOCOUTQ).
      UNSENT = 0x5411
      private_constant :UNSENT

      # A write of much takes long, and the kernel lets us go on only after a good part of its buffer is free:
      # this tells whether the client takes anything meanwhile.
      #
      # @return [Integer] bytes; always 0 where the system does not tell
      def self.unsent(socket)
        socket.ioctl(UNSENT, bytes = [0].pack('i'))
        bytes.unpack1('i')
      rescue ::SystemCallError, ::IOError
        0
      end

      # The client's address as text. For IPv4 it is read from where it lies: Addrinfo asks getnameinfo, which takes
      # longer than the whole request.
      #
      # @param socket [TCPSocket, UNIXSocket]
      # @return [String] "" for a UNIX socket, and for a client that has gone
      def self.remote_ip(socket)
        packed = socket.getpeername
        return packed.unpack('x4C4').join('.').freeze if packed.unpack1('S') == ::Socket::AF_INET

        address = ::Addrinfo.new(packed)
        address.ip? ? address.ip_address.freeze : ''
      rescue ::SystemCallError
        ''
      end
    end
  end
end

require_relative 'transport/buffers'
require_relative 'transport/plain'
require_relative 'transport/tls'
