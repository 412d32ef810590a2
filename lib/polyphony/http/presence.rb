# frozen_string_literal: true

require 'socket'

module Polyphony
  module HTTP
    # Whether the other side of a socket has closed it, for those who do not read: data that waits to be read may
    # be in front of the end.
    # @api private
    module Presence
      # TCP_INFO begins with the state; these have seen the other side's end.
      ENDED = [7, 8, 9, 11].freeze # CLOSE, CLOSE_WAIT, LAST_ACK, CLOSING
      private_constant :ENDED

      # @param socket [BasicSocket]
      # @return [Boolean]
      def self.ended?(socket)
        return true if socket.closed?
        return peek(socket) unless socket.is_a?(::IPSocket) && defined?(::Socket::TCP_INFO)

        ENDED.include?(socket.getsockopt(::Socket::IPPROTO_TCP, ::Socket::TCP_INFO).data.getbyte(0))
      rescue ::SystemCallError, ::IOError
        true
      end

      def self.peek(socket)
        data = socket.recv_nonblock(1, ::Socket::MSG_PEEK, exception: false)
        data.nil? || data == ''
      end
      private_class_method :peek
    end
    private_constant :Presence
  end
end
