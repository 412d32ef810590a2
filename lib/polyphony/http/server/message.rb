# frozen_string_literal: true

module Polyphony
  module HTTP
    class Server
      # Text of answers that no handler has made.
      MESSAGES = { 400 => 'Bad Request', 408 => 'Request Timeout', 413 => 'Content Too Large', 414 => 'URI Too Long',
                   417 => 'Expectation Failed', 431 => 'Request Header Fields Too Large', 500 => 'Internal Server Error', 501 => 'Not Implemented',
                   503 => 'Service Unavailable', 505 => 'HTTP Version Not Supported' }.freeze
      private_constant :MESSAGES

      # @param status [Integer]
      # @return [String] the body of an answer that no handler has made
      # @api private
      def self.message(status) = "#{status} #{MESSAGES[status]}\n"
    end
  end
end
