# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      # What is looked after once a second, for all sockets together: is the client there still, does it take what
      # is sent, has it answered our closing?
      module Keeping
        # @param now [Float]
        # @return [void]
        # @api private
        # @suspends no
        def check_time(now)
          return cut(('it has not answered our closing' unless @lingers)) if @close_by && now > @close_by

          check_writing(now)
          check_silence(now) if @receiving && !@close_sent
        end

        # The server stops.
        # @api private
        # @suspends no
        def drain
          close(1001)
        end

        # A message of a topic: sent if there is room for it.
        # @param bytes [String] a frame
        # @param overflow [Symbol]
        # @param more [Boolean] whether others follow, and may go out with it
        # @api private
        # @suspends no
        def offer(bytes, overflow, more)
          return if @ended || @close_sent
          return more ? @outbox.push(bytes) : @outbox.put(bytes) unless @outbox.full?(bytes.bytesize)

          overflow == :drop ? @dropped += 1 : too_slow
        end

        # @param message [String, Frame]
        # @return [String] a frame, compressed if that was agreed on
        # @api private
        def pack(message) = frame_of(message)

        private

        def cut(reason)
          return if @cut

          @cut = reason || 'it did not close the connection'
          @hub.log("websocket: #{peer}: cut: #{reason}") if reason
          @outbox.break_off
          @link.cut
        end

        def check_writing(now)
          limit = @hub.write_timeout
          return @stuck_since = nil if limit.nil? || pending.zero?

          state = [@outbox.progress, @link.unsent]
          if @stuck_since.nil? || state != @stuck
            @stuck = state
            @stuck_since = now
          elsif now - @stuck_since > limit
            cut("it has taken nothing for #{limit} s")
          end
        end

        # Only while somebody receives: else an answer could have come and not been read.
        def check_silence(now)
          give_back_stack if now - @seen > 1
          limit = @options.ping
          return if limit.nil? || now - @seen < limit
          return ping_silently(now) if @pinged.nil?

          cut("it has not answered a ping for #{limit} s") if now - @pinged >= limit
        end

        # Once for each silence.
        def give_back_stack
          return if @trimmed

          @trimmed = true
          @receiving.trim_stack
        end

        def ping_silently(now)
          @pinged = now
          @outbox.push(PING)
        end

        PING = WebSocket.encode(9, '', false)
        private_constant :PING
      end
      private_constant :Keeping
    end
  end
end
