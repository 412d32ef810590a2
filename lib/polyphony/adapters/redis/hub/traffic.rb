# frozen_string_literal: true

module Polyphony
  class Redis
    class Hub
      # What goes over the connection.
      module Traffic
        private

        def dial
          client = @connector.call
          connection = client.disable_reconnection { |raw| raw }
          @client = client
          @wire = connection.wire
          @reader = connection.reader
          @asked = [] # those whose channels are to be confirmed, or refused, in this order
          @unsent = ::String.new
          @probing = false
          @listeners.each { |listener| ask_for(listener) }
        end

        def hang_up
          client = @client
          @client = @wire = nil
          client&.close
        end

        def ask_for(listener)
          listener.asked
          @asked.push([listener, listener.channels.size])
          send_out(listener.verb, *listener.channels)
        end

        # What the system does not take now goes out later: nobody waits for that.
        def send_out(*command)
          Redis.encode(@unsent, command)
          send_rest
        rescue *Wire::BROKEN
          nil # who reads will see it
        end

        def send_rest
          until @unsent.empty?
            taken = @wire.offer(@unsent, 0) || return
            @unsent = @unsent.byteslice(taken, @unsent.bytesize)
          end
        end

        def receive
          send_rest
          data = @wire.read(@probing ? @config.read_timeout : PING, @reader.missing)
          return silence unless data

          @probing = false
          @reader.feed(data)
          until INCOMPLETE.equal?(event = @reader.next)
            understand(event)
          end
        rescue *Wire::BROKEN, ::RedisClient::ProtocolError, ::RedisClient::TimeoutError => e
          lose(e)
        end

        # The answer to a PING is anything.
        def silence
          if @probing
            raise ::RedisClient::ReadTimeoutError.with_config('the server did not answer a PING', @config)
          end

          @probing = true
          send_out('PING')
        end

        def lose(cause)
          hang_up
          return if @closed

          error = cause
          error = ::RedisClient::ConnectionError.with_config(cause.message, @config) unless cause.is_a?(::RedisClient::Error)
          @listeners.each { |listener| listener.lose(error) }
          raise error
        end

        def understand(event)
          return refuse(event) if event.is_a?(::RedisClient::Error)
          return unless event.is_a?(::Array) # else the answer to a PING

          kind = event.first
          if (verb = MESSAGES[kind]) then hand_out(verb, event[1], event[2], event[1])
          elsif kind == 'pmessage' then hand_out('PSUBSCRIBE', event[1], event[3], event[2], event[1])
          elsif CONFIRMATIONS.include?(kind) then confirm
          end
        end

        def hand_out(verb, channel, *message)
          @channels[verb][channel]&.each { |listener| listener.message(*message) }
        end

        def confirm
          listener, missing = @asked.first
          return unless listener

          missing > 1 ? @asked.first[1] -= 1 : @asked.shift
          listener.confirm
        end

        # None of the channels that were asked for at once.
        def refuse(error)
          error._set_config(@config)
          listener, = @asked.shift
          listener&.fail_with(error)
        end
      end
      private_constant :Traffic
    end
  end
end
