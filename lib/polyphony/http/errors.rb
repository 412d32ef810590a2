# frozen_string_literal: true

require_relative '../errors'

module Polyphony
  # Polyphony's web server, and what it is made of.
  module HTTP
    # The root of the errors of HTTP.
    class Error < Polyphony::Error; end

    # The client sent what is no request, or one that is over a limit. Answer with {#status} and close the
    # connection: where the next request begins is not known.
    class ProtocolError < Error
      # @return [Integer] the status of the response that the client should get: 400, 413, 414, 417, 431, 501
      #   or 505
      attr_reader :status

      # @param reason [String] for the log
      # @param status [Integer]
      def initialize(reason, status = 400)
        super(reason)
        @status = status
      end
    end

    # The application made a response that cannot be sent: a header field with a line break, a body that does
    # not have its Content-Length. Repair the application; its client gets 500, or a closed connection where
    # the response had begun.
    class ResponseError < Error; end

    # The client has gone, or takes and sends nothing any more: stop working for it.
    class Disconnected < Error; end

    # What the client asks cannot be understood: a query that is not UTF-8. A handler that does not rescue
    # it answers with {#status}.
    class BadRequest < Error
      # @return [Integer]
      def status = 400
    end
  end
end
