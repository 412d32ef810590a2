# frozen_string_literal: true

require_relative 'visitor'

module Chat
  # Where browsers come in: a WebSocket at /chat?room=tea&name=Ada
  class Door
    NAME = /\A[[:alnum:]][[:alnum:] ._'-]{0,23}\z/
    ROOM = /\A[a-z0-9][a-z0-9-]{0,23}\z/
    REFUSED = 4403 # who is told this does not come back by itself

    def initialize(rooms) = @rooms = rooms

    def open(request)
      name, room, since = request.query.values_at('name', 'room', 'since').map(&:to_s)
      # Pages of other sites are not to speak for those who look at them.
      ours = ->(origin) { origin.sub(%r{\Ahttps?://}, '') == request.authority }
      request.websocket(max_message: 16_384, origins: ours) { |socket| enter(socket, name, room, since) }
    end

    private

    def enter(socket, name, room, since)
      return socket.close(REFUSED, 'This name will not do.') unless NAME.match?(name)
      return socket.close(REFUSED, 'No room can have this name.') unless ROOM.match?(room)
      return socket.close(REFUSED, 'There are too many rooms.') unless (room = @rooms[room])

      Visitor.new(socket, room, name).stay(since) # the last message that it has seen, if it comes back
    end
  end
end
