# frozen_string_literal: true

require 'json'

module Chat
  # Somebody in a room: a fiber that takes what is said. What the room shows goes to the socket by itself.
  class Visitor
    ID = /\A[\w-]{8,40}\z/

    def initialize(socket, room, name)
      @socket, @room, @name = socket, room, name
      @pace = Polyphony::Throttler.new(4, burst: 20) # a second; at once
    end

    def stay(since)
      @socket.subscribe(@room.stage) # if it is too slow for that, it is closed: nobody waits for it
      @socket << @room.join(@socket, @name, since)
      # Who says too much is read more slowly, and TCP tells the browser: no more is needed.
      @socket.each { |text| @pace.process { obey(text) } }
    ensure
      @room.leave(@socket)
    end

    private

    def obey(text)
      case JSON.parse(text, symbolize_names: true)
      in { say: String => words, id: ID => id } then say(clean(words), id)
      in { typing: true } then @room.typing(@name)
      end
    rescue JSON::ParserError, NoMatchingPatternError
      @socket.close(1007, 'This was not understood.')
    end

    def say(words, id) = words.empty? || @room.say(@name, words, id)
    def clean(words) = words.scrub.gsub(/[[:cntrl:]&&[^\n]]/, ' ').strip[0, 2000]
  end
end
