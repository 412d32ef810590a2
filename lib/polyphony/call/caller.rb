# frozen_string_literal: true

module Polyphony
  # The caller's side: waiting for the answer.
  class Call
    # Sends the request and waits. @api private
    # @suspends until there is an answer
    def perform(deadline)
      @server.own(self)
      @server.post(self, deadline)
      reason = Reason.new('call of', @server)
      Waiting.park(reason, deadline) { "#{@server.label} did not answer in time" } until @done
      @gone ? raise_gone : outcome
    ensure
      @over = true
      @server.disown(self)
    end

    # The server has ended, or started again, without an answer. @api private
    # @suspends no
    def owner_ended(life)
      @gone = life.dead? ? 'ended' : 'was restarted'
      @done = true
      @caller.wake
    end

    private

    def outcome
      @error ? raise(@error, cause: @error.cause) : @value
    end

    # If the caller is the server's parent, the error is raised here itself.
    def raise_gone
      Scheduler.checkpoint
      raise DeadFiber, "#{@server.label} #{@gone} before it answered", cause: @server.error
    end
  end
end
