# frozen_string_literal: true

module Polyphony
  class Redis
    class Connection
      # Connecting, and moving bytes.
      module Transfer
        INCOMPLETE = Reader::INCOMPLETE
        private_constant :INCOMPLETE

        private

        def connect
          @server_key = config.server_key
          @reader = Redis.reader
          @torn = false
          @replies = 0
          @used_at = Polyphony.now
          @out = ::String.new(capacity: 512)
          @wire = Wire.open(config, @connect_timeout)
          true
        end

        # Interrupted between two pieces, the rest is missing: such a connection is not used again.
        def send_all(bytes)
          @torn = true
          done = 0
          while done < bytes.bytesize
            taken = @wire.offer(bytes, done)
            taken ? done += taken : wait_to_send
          end
          @torn = false
        rescue *Wire::BROKEN => e
          raise connection_error(e.message)
        end

        def wait_to_send
          @wire.wait_writable(@write_timeout) ||
            raise(::RedisClient::WriteTimeoutError.with_config("the server took nothing for #{@write_timeout} s",
                                                               config))
        end

        def receive_reply(timeout)
          limit = timeout.nil? ? @read_timeout : timeout
          limit = nil if limit&.zero?
          reply = INCOMPLETE
          reply = @reader.feed(receive(limit)).next while INCOMPLETE.equal?(reply)
          @used_at = Polyphony.now
          reply
        end

        def receive(limit)
          @wire.read(limit, @reader.missing) ||
            raise(::RedisClient::ReadTimeoutError.with_config("the server sent nothing for #{limit} s", config))
        rescue *Wire::BROKEN => e
          raise connection_error(e.message)
        end

        def rest
          @replies = 0
          Polyphony.snooze
        end
      end
      private_constant :Transfer
    end
  end
end
