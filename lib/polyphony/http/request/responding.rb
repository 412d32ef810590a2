# frozen_string_literal: true

module Polyphony
  module HTTP
    module Request
      # Answering.
      module Responding
        # Answers, all at once: status line, header and body go out together.
        #
        # @param body [String, nil]
        # @param headers [Hash{String => String, Array<String>}] names in lower case; an Array gives a field
        #   for each of its values. `content-length` and `date` are added
        # @param status [Integer]
        # @return [nil]
        # @raise [Polyphony::HTTP::ResponseError] when an answer was already begun, and for a header that
        #   cannot be sent (control characters)
        # @suspends no; what is sent goes out when the handler returns or waits for more than the kernel takes
        def respond(body = nil, headers = NO_HEADERS, status: 200)
          context.respond(self, status, headers, body)
        end

        # Begins an answer that is sent in pieces. Without `content-length` they go as chunks.
        #
        # @param headers [Hash{String => String, Array<String>}]
        # @param status [Integer]
        # @return [nil]
        # @raise [Polyphony::HTTP::ResponseError]
        # @suspends no
        def send_headers(headers = NO_HEADERS, status: 200)
          context.begin_response(self, status, headers)
        end

        # Sends a piece of the answer.
        #
        # @param chunk [String]
        # @return [self]
        # @raise [Polyphony::HTTP::ResponseError] after {#finish}, or beyond `content-length`
        # @raise [Polyphony::HTTP::Disconnected] when the client has gone
        # @suspends while the client takes no more
        def send_chunk(chunk)
          context.send_headers_if_none(self)
          context.send_chunk(self, chunk)
          self
        end
        alias << send_chunk

        # Ends an answer that was sent in pieces. Called for the handler if it does not.
        #
        # @param trailers [Hash{String => String}, nil] fields to follow a chunked body
        # @return [nil]
        # @suspends while the client takes no more
        def finish(trailers = nil)
          context.send_headers_if_none(self)
          context.finish_response(self, trailers)
        end

        # Sends the client elsewhere.
        #
        # @param location [String]
        # @param status [Integer] 301, 302, 303, 307 or 308
        # @param headers [Hash{String => String}]
        # @return [nil]
        # @raise [Polyphony::HTTP::ResponseError] for a location with control characters
        # @suspends no
        def redirect(location, status: 302, headers: NO_HEADERS)
          respond(nil, { 'location' => location, **headers }, status: status)
        end

        # Sends a response before the response: links that the client may load meanwhile (RFC 8297).
        #
        # @param headers [Hash{String => String, Array<String>}]
        # @return [nil]
        # @suspends no
        def send_early_hints(headers)
          context.inform(self, 103, headers)
        end

        # Sends a file: with its type, an ETag and Last-Modified; answers conditions with 304 and ranges with
        # 206. The path is the program's to choose: see {Static} for one that comes from the request.
        #
        # @param path [String]
        # @param headers [Hash{String => String}]
        # @return [nil]
        # @suspends while the client takes no more
        def serve_file(path, headers: NO_HEADERS)
          FileResponse.new(self, path, headers).serve
        end

        # Changes to another protocol: sends 101 and gives the connection.
        #
        # @param name [String] of the protocol, for the header `upgrade`
        # @param headers [Hash{String => String}]
        # @return [IO] to read and write; closed when the handler returns
        # @raise [Polyphony::HTTP::ResponseError] when the client did not ask for it
        # @suspends until the answer is out
        def upgrade(name, headers = NO_HEADERS)
          context.upgrade(self, name, headers)
        end

        # Takes the connection as it is, without an answer.
        #
        # @return [IO] to read and write; the caller's to close
        # @suspends until what was answered before is out
        def hijack
          context.hijack(self)
        end

        # @return [Boolean] whether an answer was begun
        # @suspends no
        def responded? = context.responded?(self)
      end

      NO_HEADERS = {}.freeze
      private_constant :NO_HEADERS
    end
  end
end
