# frozen_string_literal: true

require_relative 'line'
require_relative 'waiting'
require_relative 'reason'

module Polyphony
  # A pipe for objects between fibers, of any threads: any number of them send, any number receive, in the
  # order they came. With a capacity, senders wait while it is full; it can be closed, which ends who loops
  # over it.
  #
  #   channel = Polyphony::Channel.new(10)
  #   spin { read_lines { |line| channel << line } and channel.close }
  #   channel.each { |line| puts line }
  #
  # What is waited for can be interrupted, and loses nothing by that: a `send` or `receive` that raises has
  # not sent or received.
  class Channel
    include Enumerable

    # What is taken where there is nothing to take: nil is a message as good as any.
    NONE = ::Object.new.freeze
    private_constant :NONE

    # @return [Integer, nil] how many messages it holds before {#send} waits; nil: any number; 0: none, each
    #   {#send} waits until its message is received
    attr_reader :capacity

    # @param capacity [Integer, nil]
    # @return [Polyphony::Channel]
    # @raise [ArgumentError] unless it is nil, 0 or positive
    # @suspends no
    def self.new(capacity = nil)
      equal?(Channel) && capacity.eql?(0) ? Rendezvous.new(0) : super
    end

    # Receives from whichever has a message; from the first of them if several have. See {Selection}.
    #
    # @param sources [Array<Channel, Topic::Subscription, Fiber>] a fiber is the calling one: its mailbox
    # @param timeout [Numeric, nil] seconds to wait; nil: without limit
    # @return [Array(Object, Object)] the source and the message
    # @raise [Polyphony::TimeoutError] when none had a message in time
    # @raise [Polyphony::Closed] when all are closed and empty; one that was closed with an error raises that
    # @raise [TypeError, ArgumentError] for what is no source
    # @suspends until there is a message; always a point where the fiber can be stopped
    def self.select(*sources, timeout: nil)
      Selection.new(sources).receive(Waiting.deadline(timeout))
    end

    # @see .new
    def initialize(capacity = nil)
      @capacity = capacity
      @senders = Line.new
      @receivers = Line.new
      @receiving = Reason.new('receive from', self)
      @sending = Reason.new('send to', self)
      prepare
    end

    # Puts a message in.
    #
    # @param message [Object]
    # @return [self]
    # @raise [Polyphony::Closed] when the channel is, or gets, closed
    # @suspends only while the channel is full; then later ones wait behind
    def send(message)
      return self if (@capacity.nil? || @senders.empty?) && put(message)

      wait_to_put(message)
      self
    end
    alias << send

    # As {#send}, if that can be done without waiting.
    #
    # @return [Boolean] whether it was
    # @raise [Polyphony::Closed] when the channel is closed
    # @suspends no
    def try_send(message)
      (@capacity.nil? || @senders.empty?) && put(message)
    end

    # Takes the oldest message.
    #
    # @param timeout [Numeric, nil] seconds to wait; nil: without limit
    # @return [Object]
    # @raise [Polyphony::TimeoutError] when there was none in time
    # @raise [Polyphony::Closed] when the channel is closed and empty; closed with an error: that error
    # @suspends until there is a message; always a point where the fiber can be stopped
    def receive(timeout: nil)
      message = take_next(timeout && Waiting.deadline(timeout))
      message.equal?(NONE) ? raise(Closed, 'the channel is closed, and nothing is left in it') : message
    end

    # Takes the oldest message if there is one that nobody else waits for.
    #
    # @param none [Object] what is given if there is none
    # @return [Object]
    # @raise [Polyphony::Closed] when the channel is closed and empty; closed with an error: that error
    # @suspends no
    def try_receive(none = nil)
      message = @receivers.empty? ? take : NONE
      return message unless message.equal?(NONE)

      raise Closed, 'the channel is closed, and nothing is left in it' if over?

      none
    end

    # Takes message after message until the channel is closed and empty.
    #
    # @yieldparam message [Object]
    # @return [self, Enumerator] an Enumerator without a block
    # @raise [Exception] what the channel was closed with
    # @suspends until there is a message
    def each
      return to_enum unless block_given?

      until (message = take_next(nil)).equal?(NONE)
        yield message
      end
      self
    end

    # Lets nothing more in. What is in can still be received. Fibers that wait get {Closed}.
    #
    # @param error [Exception, Class, String, nil] what receivers get when nothing is left, {#each} too
    # @return [self]
    # @raise [TypeError] for what cannot be raised
    # @suspends no
    def close(error = nil)
      error &&= Raising.exception([error], {})
      @error = error unless closed?
      shut
      @senders.wake_all
      @receivers.wake_all
      self
    end
  end
end

require_relative 'channel/buffer'
require_relative 'channel/source'
require_relative 'channel/state'
require_relative 'channel/rendezvous'
require_relative 'channel/selection'
