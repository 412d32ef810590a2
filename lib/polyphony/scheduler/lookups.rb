# frozen_string_literal: true

require 'socket'

module Polyphony
  class Scheduler
    # How many name lookups run at once, each in a thread of its own. A thread is made for a lookup
    # and gone after it: next to asking a name server it costs nothing, and none is left behind in
    # a program that looked up one name.
    module Lookups
      @slots = ::Thread::SizedQueue.new(MAX_LOOKUPS)

      # @suspends while MAX_LOOKUPS others are under way
      def self.acquire
        @slots.push(true)
      end

      # @suspends no
      def self.release
        @slots.pop(true)
      end

      # @param hostname [String]
      # @return [Array<String>] numeric addresses
      def self.addresses(hostname)
        ::Addrinfo.getaddrinfo(hostname, nil, nil, :STREAM).map { |address| numeric(address) }.uniq
      rescue ::SocketError
        [] # Ruby makes its own SocketError of an empty answer
      end

      # Without its zone (fe80::1%eth0): Ruby takes plain addresses only from a scheduler.
      def self.numeric(address)
        ::Socket.getnameinfo(address.to_sockaddr, ::Socket::NI_NUMERICHOST | ::Socket::NI_NUMERICSERV).first.sub(/%.*\z/, '')
      end
      private_class_method :numeric
    end
    private_constant :Lookups
  end
end
