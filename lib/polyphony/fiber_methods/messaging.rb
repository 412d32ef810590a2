# frozen_string_literal: true

module Polyphony
  module FiberMethods
    # Messages to a fiber, from any thread.
    module Messaging
      # Puts a message into the fiber's mailbox. From any thread.
      #
      # @param message [Object]
      # @return [self]
      # @raise [Polyphony::DeadFiber] when the fiber has ended
      # @suspends only while a {#mailbox_limit} is reached
      def send(message)
        @life.post(message)
        self
      end
      alias << send

      # As {#send}, for a fiber that may have ended.
      #
      # @return [Boolean] whether the message was put into the mailbox
      # @suspends only while a {#mailbox_limit} is reached
      def send?(message)
        @life.post(message) { return false } # a DeadFiber of a child may come meanwhile, and is no answer
        true
      end

      # Sends a request and waits for its answer: the fiber receives a {Polyphony::Call} with the message, which
      # it, or another one, answers.
      #
      # @param message [Object]
      # @param timeout [Numeric, nil] seconds to wait; nil: without limit
      # @return [Object] what was given to {Call#reply}
      # @raise [Exception] what was given to {Call#fail}
      # @raise [Polyphony::TimeoutError] when there was no answer in time; a later one is dropped
      # @raise [Polyphony::DeadFiber] when the fiber has ended, or ends, or is restarted without an answer; its cause
      #   is the fiber's error
      # @raise [Polyphony::Error] when a fiber calls itself
      # @suspends until there is an answer
      def call(message, timeout: nil)
        Call.perform(@life, message, timeout)
      end

      # @return [Integer] messages that wait in its mailbox
      # @suspends no
      def mailbox_size
        @life.mailbox_size
      end

      # @return [Integer, nil] messages that may wait before {#send} waits; nil: any number (default)
      def mailbox_limit
        @life.mailbox_limit
      end

      # @param limit [Integer, nil]
      # @raise [ArgumentError] unless positive or nil
      def mailbox_limit=(limit)
        @life.mailbox_limit = limit
      end
    end
  end
end
