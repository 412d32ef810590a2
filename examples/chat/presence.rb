# frozen_string_literal: true

module Chat
  # Who is in which room. Each process tells the others who is in its own rooms, when that changes and now and then.
  class Presence
    EVERY = 5 # seconds; who is not heard of for thrice that is gone

    def initialize(supervisor, redis, &show)
      @topic = Polyphony::Topic.new('chat:presence', over: redis)
      @show = show
      @place = Random.new_seed # this process
      @here = {}               # room => names
      @others = {}             # place => [when it was heard of, room => names]
      @fiber = supervisor.spin(:presence) { run }
    end

    def update(room, names) = @fiber.send?([:here, room, names])

    private

    def run
      news = @topic.subscribe
      spin(:beat) { every(EVERY) { @fiber << [:beat] } }
      loop do
        take(Polyphony::Channel.select(Polyphony.current, news).last)
        sleep 0.1 # a hundred who come within this moment are one message
        Polyphony.receive_pending.each { |message| take(message) }
        tell
      end
    ensure
      @topic.publish([@place, {}]) # all have left
    end

    def take(message)
      case message
      in [:here, room, names] then @due = names.empty? ? @here.delete(room) : @here[room] = names
      in [:beat] then @due = @others.delete_if { |_, (heard_at, _)| heard_at < Polyphony.now - 3.1 * EVERY }
      in [^@place, _] then nil # our own, back from the topic
      in [place, rooms]
        @due ||= !@others.key?(place) # it does not know of us yet
        @others[place] = [Polyphony.now, rooms]
      end
    end

    def tell
      @topic.publish([@place, @here]) if @due
      @due = nil
      @show.call(@shown = people) if @shown != people
    end

    def people
      all = [@here, *@others.each_value.map(&:last)]
      all.flat_map(&:keys).to_h { |room| [room, all.flat_map { |rooms| rooms.fetch(room, []) }.uniq.sort] }
    end
  end
end
