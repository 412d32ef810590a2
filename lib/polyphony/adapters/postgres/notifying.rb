# frozen_string_literal: true

module Polyphony
  class Postgres
    # NOTIFY, from wherever a query can be made.
    module Notifying
      PAYLOAD_LIMIT = 7999 # bytes: the server's own
      NAME_LIMIT = 63
      private_constant :PAYLOAD_LIMIT, :NAME_LIMIT

      # Tells all who listen on the channel; from a transaction, when it is committed. In one transaction the same
      # payload is sent once.
      #
      # @param channel [String, Symbol] up to 63 bytes
      # @param payload [String, nil] up to 7999 bytes
      # @return [nil]
      # @raise [Polyphony::Postgres::PayloadTooLong]
      # @raise [ArgumentError] for a channel without a name, or with one that is too long
      # @raise [PG::Error] and the others of {Queries#query}
      # @suspends until the server has taken it
      def notify(channel, payload = nil)
        text = payload.to_s
        if text.bytesize > PAYLOAD_LIMIT
          raise PayloadTooLong, "a payload of NOTIFY has at most #{PAYLOAD_LIMIT} bytes, this one for " \
                                "#{channel} has #{text.bytesize}: put it into a table, and send its key"
        end

        query('SELECT pg_notify($1, $2)', Notifying.channel(channel), text, as: :values)
        nil
      end

      # @param name [String, Symbol]
      # @return [String]
      # @raise [ArgumentError]
      # @api private
      # @suspends no
      def self.channel(name)
        name = name.to_s
        return name if name.bytesize.between?(1, NAME_LIMIT)

        raise ::ArgumentError, "a channel has a name of 1 to #{NAME_LIMIT} bytes, not #{name.inspect}"
      end
    end
  end
end
