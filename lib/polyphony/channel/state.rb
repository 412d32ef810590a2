# frozen_string_literal: true

module Polyphony
  # What can be seen of a channel.
  class Channel
    # @return [Integer] messages that are in
    # @suspends no
    def size = @queue.size

    # @return [Boolean] whether no message is in
    # @suspends no
    def empty? = @queue.empty? && (@back.nil? || @back.empty?)

    # @return [Boolean]
    # @suspends no
    def closed? = @queue.closed?

    # @return [Integer] fibers that wait in {#send}
    # @suspends no
    def waiting_senders = @senders.size

    # @return [Integer] fibers that wait in {#receive}, {#each} or {.select}
    # @suspends no
    def waiting_receivers = @receivers.size

    # @return [String]
    # @suspends no
    def inspect
      load = @capacity ? "#{size}/#{@capacity}" : size
      waiting = ["#{waiting_senders} to send", "#{waiting_receivers} to receive"]
      "#<#{Channel} #{load}#{' closed' if closed?}, waiting: #{waiting.join(', ')}>"
    end
  end
end
