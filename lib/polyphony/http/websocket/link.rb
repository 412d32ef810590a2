# frozen_string_literal: true

require 'socket'
require_relative 'link/socket'
require_relative 'link/tls'
require_relative 'link/stream'

module Polyphony
  module HTTP
    class WebSocket
      # What {Request#upgrade} gives, in its three kinds: how to read without holding memory while nothing comes,
      # and how to write without waiting.
      # @api private
      module Link
        # Bytes read at a time.
        READ = 16_384
        # Rounds of reading without a wait, before others get their turn.
        ROUNDS = 16
        # Strings to read into, needed from reading to decoding only: a few do for all sockets.
        BUFFERS = [] # rubocop:disable Style/MutableConstant
        # How many of them are kept.
        BUFFERS_KEPT = 16

        # @param io [BasicSocket, OpenSSL::SSL::SSLSocket, #readpartial]
        # @return [Socket, TLS, Stream]
        def self.for(io)
          return Socket.new(io, Transport::Plain.new(io)) if io.is_a?(::BasicSocket)
          return TLS.new(io, Transport::TLS.new(io)) if defined?(::OpenSSL::SSL::SSLSocket) && io.is_a?(::OpenSSL::SSL::SSLSocket)

          Stream.new(io)
        end
      end
      private_constant :Link
    end
  end
end
