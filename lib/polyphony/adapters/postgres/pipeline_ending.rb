# frozen_string_literal: true

module Polyphony
  class Postgres
    # What becomes of the queries of a {Pipeline} that nobody waits for any more. @api private
    module PipelineEnding
      private

      # Nobody waits for the answer any more. If nobody waits for any, the server shall not go on; if somebody does, his
      # query must not be hit by what was meant for another: it goes on, and its answer is dropped.
      def abandon(request)
        request.abandon
        @wanted -= 1
        end_all if @wanted.zero? && @wire && !@gate
      end

      def end_all
        @gate = true
        wire = @wire
        wire.within_limit { cancel_one(wire) until @requests.empty? }
      ensure
        @gate = false
        lose(::PG::ConnectionBad.new('the query was cancelled')) if wire.broken? && wire.equal?(@wire)
        @turns.wake_all
      end

      # The one that runs: the next in line begins then. A request may come before its query did, or after its end.
      def cancel_one(wire)
        left = @requests.size
        pause = 0.05
        while @requests.size >= left
          Cancelling.request(wire.pg)
          Polyphony.move_on_after(pause) { @turns.wait { @requests.size < left } }
          pause *= 2
        end
      end

      # What is under way is wanted by nobody: who waited for it was stopped while another still waited for an answer
      # before it.
      def sweep
        step(0)
        end_all unless @gate || @requests.empty? || @wanted.positive?
      end
    end
    private_constant :PipelineEnding
  end
end
