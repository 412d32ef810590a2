# frozen_string_literal: true

module Polyphony
  class Redis
    class Link
      # What a fiber that waits may do for all.
      module Roles
        private

        def unwritten? = @sending || !@out.empty?

        # Writes what there is to write, after who runs now has had a chance to add to it.
        def flush(call)
          @flushing = true
          Scheduler.snooze
          Scheduler.checkpoint # stopped meanwhile, its command is not sent
          send_batch(call) while unwritten? && !call.settled
        rescue *Wire::BROKEN => e
          break_off(e.message)
        ensure
          @flushing = false
        end

        def send_batch(call)
          begin_batch unless @sending
          until @written == @sending.bytesize
            taken = @wire.offer(@sending, @written)
            taken ? @written += taken : wait_to_send(call)
            return if call.settled
          end
          @sending = nil
        end

        def wait_to_send(call)
          limit = call.deadline && [call.deadline - Polyphony.now, 0].max
          @wire.wait_writable(limit) ? @heard = Polyphony.now : time_out
        end

        def begin_batch
          @sending = @out
          @written = 0
          @out = ::String.new(capacity: 1024)
          @batch += 1
          @batches += 1
        end

        # Reads, and hands out replies, until there is one for this call.
        def read(call)
          @reading = call
          until call.settled || (unwritten? && !@flushing)
            data = @wire.take(@reader.missing) || wait_for_data
            data ? hand_out(data, call) : time_out
          end
        rescue *Wire::BROKEN, ::RedisClient::ProtocolError => e
          break_off(e.message)
        ensure
          @reading = false
        end

        # Cut when there is something to write that no other fiber can see to.
        def wait_for_data
          oldest = @calls.find { |call| !call.settled }
          limit = oldest&.deadline && [oldest.deadline - Polyphony.now, 0].max
          @rouser = CancelScope.new
          result = @rouser.catch_expired(nil) { @wire.read(limit, @reader.missing) }
          @rouser.cut? ? EMPTY : result
        ensure
          @rouser = nil
        end

        def hand_out(data, own)
          return if data.empty?

          @heard = Polyphony.now
          @reader.feed(data)
          until INCOMPLETE.equal?(reply = @reader.next)
            next if @reader.push? # nothing that was asked for

            call = @calls.shift || raise(::RedisClient::ProtocolError, 'the server sent a reply to no command')
            next if call.settled

            call.settle(reply)
            call.life.wake unless call.equal?(own)
          end
        end

        # The oldest call has waited for too long. If the server was silent all the time, it may be gone.
        def time_out
          now = Polyphony.now
          call = @calls.find { |other| !other.settled }
          return unless call&.deadline && call.deadline <= now

          silent = @heard <= call.deadline - @timeout
          call.settle(timeout_error(call))
          call.life.wake
          break_off("the server sent nothing for #{@timeout} s") if silent
        end

        def timeout_error(call)
          ::RedisClient::ReadTimeoutError.with_config("no reply to #{call.command.first} within #{@timeout} s", @config)
        end

        # This fiber waits no more: another one that waits goes on with what nobody does now.
        def leave
          return close_unused if @ending && idle?

          to_write = !@flushing && unwritten?
          pass_on(to_write) if !@calls.empty? && (to_write || !@reading)
        end

        # To one that does nothing but wait; if there is none, who reads is to write first.
        def pass_on(to_write)
          heir = @calls.find { |call| !call.settled && !call.equal?(@reading) }
          heir ? heir.life.wake : (@rouser&.cancel if to_write)
        end

        EMPTY = ''
        private_constant :EMPTY
      end
      private_constant :Roles
    end
  end
end
