# frozen_string_literal: true

module Polyphony
  class Redis
    # A command could not be sent: it is safe to send it again. @api private
    class Unsent < ::RedisClient::ConnectionError; end
    private_constant :Unsent

    class Link
      # How a link ends: it breaks, or takes no more commands.
      module Ending
        # Takes no more commands; those that were sent get their replies.
        # @suspends no
        def retire
          @ending = true
          close_unused if idle?
        end

        # Ends at once.
        #
        # @param error [Exception, nil] for those that wait
        # @suspends no
        def close(error = nil)
          break_off('the connection was closed', error)
        end

        private

        # Everybody who waits gets an error. Whoever reads or writes closes the connection when it has noticed.
        def break_off(message, error = nil)
          @ending = true
          calls = @calls
          @calls = []
          calls.each do |call|
            next if call.settled

            call.settle(error || lost(call, message))
            call.life.wake
          end
          @sending = nil
          @out = ::String.new
          @wire.cut
          @rouser&.cancel
          close_unused
        end

        def lost(call, message)
          name = call.command.first
          return Unsent.with_config("#{message}, before #{name} was sent", @config) if call.batch == @batch

          Unanswered.with_config("#{message}, and no reply to #{name} had come: it may or may not have been " \
                                 'executed. It was not sent again; see Polyphony::Redis::Unanswered', @config)
        end

        # @return [Boolean] whether nobody waits
        def idle? = @calls.all?(&:settled)

        def close_unused
          @client.close unless @flushing || @reading
        end
      end
      private_constant :Ending
    end
  end
end
