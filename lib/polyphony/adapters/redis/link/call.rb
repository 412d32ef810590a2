# frozen_string_literal: true

module Polyphony
  class Redis
    class Link
      # A command on its way, and the fiber that waits for its reply.
      class Call
        # @return [Lifecycle]
        attr_reader :life
        # @return [Array]
        attr_reader :command
        # @return [Float, nil] when its time is over
        attr_reader :deadline
        # @return [Integer] of which write it is a part
        attr_reader :batch
        # @return [Integer] where in it the command begins
        attr_accessor :offset
        # @return [Object] the reply, or what is to be raised
        attr_reader :reply
        # @return [Boolean] whether nobody waits any more
        attr_reader :settled
        alias settled? settled

        def initialize(life, command, deadline, batch, offset)
          @life = life
          @command = command
          @deadline = deadline
          @batch = batch
          @offset = offset
          @settled = false
        end

        # Ends the wait.
        def settle(reply)
          @reply = reply
          @settled = true
        end
      end
      private_constant :Call
    end
  end
end
