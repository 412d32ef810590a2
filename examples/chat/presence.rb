# frozen_string_literal: true

require 'securerandom'

module Chat
  # Who is in which room. Each process tells the others who is in its own rooms, when that changes and every few
  # seconds; one that was not heard of for a while is gone, with all who were there.
  class Presence
    EVERY = 5    # seconds
    GONE = 16    # seconds
    MOMENT = 0.1 # seconds: a hundred who come within one are told of at once

    def initialize(redis, &show)
      @topic = Polyphony::Topic.new('chat:presence', over: redis)
      @show = show
      @place = SecureRandom.uuid # this process
      @here = {}                 # room => names
      @others = {}               # place => [when it was heard of, room => names]
    end

    def open(supervisor)
      @fiber = supervisor.spin(:presence) { run }
      self
    end

    def update(room, names) = @fiber.send?([:here, room, names])

    private

    def run
      me = Polyphony.current
      news = @topic.subscribe
      spin(:beat) { every(EVERY) { me << [:beat] } }
      loop do
        take(Polyphony::Channel.select(me, news).last)
        sleep MOMENT
        Polyphony.receive_pending.each { |message| take(message) }
        tell
      end
    ensure
      @topic.publish([@place, {}]) # all have left
    end

    def take(message)
      case message
      in [:here, room, names] then @due = names.empty? ? @here.delete(room) : @here[room] = names
      in [:beat] then @due = @others.delete_if { |_, (heard_at, _)| heard_at < Polyphony.now - GONE }
      in [place, rooms] then hear(place, rooms) unless place == @place
      end
    end

    def hear(place, rooms)
      @due ||= !@others.key?(place) # it does not know of us yet
      @others[place] = [Polyphony.now, rooms]
    end

    def tell
      @topic.publish([@place, @here]) if @due
      @due = nil
      @show.call(@shown = people) if @shown != people
    end

    # @return [Hash{String => Array<String>}]
    def people
      all = [@here, *@others.each_value.map(&:last)]
      all.flat_map(&:keys).to_h { |room| [room, all.flat_map { |rooms| rooms.fetch(room, []) }.uniq.sort] }
    end
  end
end
