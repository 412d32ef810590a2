# frozen_string_literal: true

require_relative 'waiting'
require_relative 'raising'

module Polyphony
  # A request that waits for its answer. `fiber.call(message)` puts one into that fiber's mailbox; who takes it
  # out, or anybody it is handed to, answers:
  #
  #   counter = spin do
  #     count = 0
  #     receive_loop do |message|
  #       case message
  #       in Polyphony::Call[:add, n] => call then call.reply(count += n)
  #       in Polyphony::Call => call then call.fail(ArgumentError, "what is #{call.message}?")
  #       end
  #     end
  #   end
  #   counter.call([:add, 2]) # => 2
  class Call
    # @return [Object] what was asked
    attr_reader :message

    private_class_method :new

    # @see Polyphony::FiberMethods#call
    # @api private
    def self.perform(server, message, timeout)
      caller = Lifecycle.current
      raise Error, 'a fiber cannot call itself: while it waits for the answer it gives none' if caller.equal?(server)

      new(message, server, caller).perform(Waiting.deadline(timeout))
    end

    # @api private
    def initialize(message, server, caller)
      @message = message
      @server = server
      @caller = caller
    end

    # @return [Fiber] the fiber that called
    # @suspends no
    def from = @caller.fiber

    # Gives the caller its answer. Nobody gets it if the caller does not wait any more.
    #
    # @param value [Object]
    # @return [Boolean] whether the caller still waited for it
    # @raise [Polyphony::Error] when there was an answer already
    # @suspends no
    def reply(value = nil)
      answer(value, nil)
    end

    # Raises in the caller. Arguments as Kernel#raise.
    #
    # @return [Boolean] whether the caller still waited
    # @raise [Polyphony::Error] when there was an answer already
    # @raise [TypeError] for what cannot be raised
    # @suspends no
    def fail(*arguments, **options)
      answer(nil, Raising.exception(arguments, options))
    end

    # Has another fiber answer: the call is put into its mailbox, and from now on it is that fiber's end which
    # the caller would learn of.
    #
    # @param fiber [Fiber]
    # @return [Boolean] whether the caller still waits
    # @raise [Polyphony::DeadFiber] when that fiber has ended; the call stays with who had it
    # @raise [Polyphony::Error] when there was an answer already
    # @suspends only while a `mailbox_limit` of that fiber is reached
    def forward(fiber)
      life = Group.life(fiber)
      refuse_second
      return false unless @server.disown(self)

      hand_over(life)
      awaited?
    end

    # @return [Boolean] whether there was an answer
    # @suspends no
    def answered? = @answered ? true : false

    # @return [Boolean] whether the caller waits: without it, no answer is needed
    # @suspends no
    def awaited? = !@answered && !@over

    # For `in Polyphony::Call[:add, n]`.
    #
    # @return [Array] the message if it is an Array; else one with the message
    # @suspends no
    def deconstruct = @message.is_a?(::Array) ? @message : [@message]

    # For `in Polyphony::Call(message: {add: n})`.
    #
    # @return [Hash]
    # @suspends no
    def deconstruct_keys(_keys) = { message: @message, from: from }

    # @return [String]
    # @suspends no
    def inspect
      state = if @answered then 'answered' else awaited? ? 'awaited' : 'given up' end
      "#<#{self.class} #{@message.inspect} #{state}>"
    end

    private

    def answer(value, error)
      refuse_second
      @answered = true
      return false unless @server.disown(self) # nobody waits, or somebody else was faster

      @value = value
      @error = error
      @done = true
      @caller.wake
      true
    end

    def refuse_second
      raise Error, "#{inspect}: a call has one answer only" if @answered
    end

    def hand_over(life)
      previous = @server
      @server = life
      life.own(self)
      life.post(self)
    rescue DeadFiber
      @server = previous
      previous.own(self) if life.disown(self)
      raise
    ensure
      @server.disown(self) if @over
    end
  end
end

require_relative 'call/caller'
