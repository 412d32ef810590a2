# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      # Receiving.
      module Incoming
        # Yields message after message until the WebSocket is closed, by whichever side.
        #
        # @yieldparam message [String] in UTF-8, and valid, for a text; in BINARY for bytes
        # @return [self, Enumerator]
        # @raise [Polyphony::Error] when another fiber receives
        # @suspends until a message comes
        def each(&block)
          return to_enum unless block

          refuse_second
          follow_link(&block) if @link.loops?
          while (message = receive)
            yield message
          end
          self
        end

        # Takes the next message. While nobody receives, nothing is read: the client's messages wait with it, and
        # its pings and its closing, too.
        #
        # @return [String, nil] as for {#each}; nil when the WebSocket is closed: see {#close_code}
        # @raise [Polyphony::Error] when another fiber receives
        # @suspends until a message comes
        def receive
          refuse_second
          until @ended
            message = decoded and return message
            fill unless @ended
          end
          nil
        end

        private

        def refuse_second
          raise Error, 'another fiber receives from this WebSocket' if @receiving
        end

        # As receiving one by one, with less work for each.
        def follow_link(&block)
          deliver(&block)
          return if @ended

          wait_for_more
          @link.each_piece do |data|
            came(data)
            deliver(&block)
            break if @ended

            wait_for_more
          end
          gone unless @ended
        rescue Disconnected, *Transport.gone
          raise if @delivering # that is the block's

          gone
        ensure
          @receiving = @delivering = nil
        end

        def deliver
          @delivering = true
          while (message = decoded)
            yield message
          end
          @delivering = nil
        end

        # @return [String, nil] the next message of what has come; nil: there is none yet, or no more
        def decoded
          until @ended
            event = @decoder.next or return
            message = event.is_a?(::String) ? event : follow(event)
            return message if message && !@close_sent
          end
        end

        # @return [String, nil] a message, if it is one
        def follow(event)
          case event
          when :text, :binary then inflate(event)
          when :ping then pong
          when :close then closed_by_client
          when :failed then fail_with(@decoder.code, @decoder.reason)
          end
          # :pong: that something came is all that counts
        end

        def fill
          wait_for_more
          gone unless @link.read { |data| came(data) }
        rescue Disconnected, *Transport.gone
          gone
        ensure
          @receiving = nil
        end

        def came(data)
          @receiving = @pinged = @trimmed = nil
          @seen = @hub.now
          @decoder.feed(data)
        end

        # What answers go out before anything else comes in: pings of a client that reads nothing pile up no more
        # than messages.
        def wait_for_more
          @outbox.flush
          @outbox.wait_for_room if @outbox.full?
          @receiving = Scheduler.task
        end

        def pong
          @outbox.push(WebSocket.encode(Frame::PONG, @decoder.payload, false)) unless @close_sent
          nil
        end

        def inflate(kind)
          data = @deflate.inflate(@decoder.payload, @options.max_message)
          return data if kind == :binary

          data.force_encoding(::Encoding::UTF_8)
          return data if data.valid_encoding?

          fail_with(1007, 'a text is not UTF-8')
        rescue Deflate::Error => e
          fail_with(e.code, e.message)
        end
      end
    end
  end
end
