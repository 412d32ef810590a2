# frozen_string_literal: true

module Polyphony
  module HTTP
    module Operation
      # The listening sockets of the first process. After a reload, places that are still listened at keep
      # their socket, and with it the connections that wait there.
      class Sockets
        include Enumerable

        # What keeps a socket alive.
        Place = Struct.new(:bind, :sockets)
        private_constant :Place

        # @param texts [Array<String>] see {Bind}
        # @param from [Array<Sockets>] those that there are already
        # @raise [SystemCallError, SocketError] when it cannot listen; then no socket is left open
        # @raise [ArgumentError] for a place that is none
        # @suspends no
        def initialize(texts, from: [])
          @places = {}
          texts.map { |text| Bind.parse(text) }.each { |bind| @places[bind.place] ||= take(bind, from) }
        rescue ::StandardError
          close(except: from)
          raise
        end

        # @yieldparam pair [Array(Bind, TCPServer)]
        def each
          @places.each_value { |place| place.sockets.each { |socket| yield [place.bind, socket] } }
        end

        # @return [Array<String>]
        def addresses
          map { |bind, socket| Listener.new(nil, bind, socket).address }
        end

        # Closes sockets, and removes their files.
        #
        # @param except [Array<Sockets>] that share some of them
        # @return [void]
        # @suspends no
        def close(except: [])
          kept = except.flat_map { |one| one.map(&:last) }
          @places.each_value { |place| leave(place) if (place.sockets & kept).empty? }
        end

        # @param place [String]
        # @return [Place, nil]
        # @api private
        def at(place) = @places[place]

        private

        def leave(place)
          place.bind.remove_file
          place.sockets.each { |socket| socket.close unless socket.closed? }
        end

        # The same place may be for TLS now.
        def take(bind, from)
          there = from.filter_map { |one| one.at(bind.place) }.first
          return Place.new(bind, bind.open) unless there

          Place.new(bind.succeed(there.bind), there.sockets)
        end
      end
    end
  end
end
