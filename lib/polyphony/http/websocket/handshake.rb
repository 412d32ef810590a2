# frozen_string_literal: true

require 'digest/sha1'
require_relative 'deflate'

module Polyphony
  module HTTP
    class WebSocket
      # Opens a WebSocket, or answers why not: RFC 6455, section 4, for HTTP/1; RFC 8441 for HTTP/2.
      # @api private
      class Handshake
        # What is wrong with a request for one.
        class Refused < ::StandardError
          # @return [Integer]
          attr_reader :status
          # @return [Hash]
          attr_reader :headers

          def initialize(status, reason, headers = {})
            super(reason)
            @status = status
            @headers = headers
          end
        end

        # What makes of a key the answer to it.
        GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        # 16 bytes in base64.
        KEY = %r{\A[+/0-9A-Za-z]{22}==\z}

        # @param request [Request]
        # @param options [Options]
        def initialize(request, options)
          @request = request
          @options = options
        end

        # @return [WebSocket, nil] nil when it was refused
        # @raise [ResponseError] when the request was answered before
        # @suspends until the answer is out
        def perform
          check
          deflate, extension = agree_on_deflate
          protocol = agree_on_protocol
          io = @request.upgrade('websocket', answer(protocol, extension))
          WebSocket.new(@request, Link.for(io), @options, protocol, deflate)
        rescue Refused => e
          refuse(e)
        end

        private

        UPGRADE = { 'upgrade' => 'websocket' }.freeze
        private_constant :UPGRADE

        def check
          raise Refused.new(426, 'this is for WebSockets', UPGRADE) unless @request.websocket?

          check_version
          check_http1 unless http2?
          check_origin
          raise Refused.new(503, 'the server is stopping') if @request.context.server.draining?
        end

        def check_version
          version = @request['sec-websocket-version'] or raise Refused.new(400, 'Sec-WebSocket-Version is missing')
          return if version == '13'

          raise Refused.new(426, 'Sec-WebSocket-Version must be 13', { **UPGRADE, 'sec-websocket-version' => '13' })
        end

        def check_http1
          raise Refused.new(400, 'a WebSocket is opened by GET') unless @request.method == 'GET'
          return if KEY.match?(@request['sec-websocket-key'] || '')

          raise Refused.new(400, 'Sec-WebSocket-Key must be 16 bytes in base64')
        end

        def check_origin
          origins = @options.origins or return
          origin = @request['origin']
          return if origin.nil? # no browser
          return if [*origins].any? { |allowed| allowed === origin } # rubocop:disable Style/CaseEquality -- Strings, Regexps, Procs

          raise Refused.new(403, "a page of #{origin} must not open this")
        end

        def agree_on_protocol
          return if @options.protocols.empty?

          wanted = (@request['sec-websocket-protocol'] || '').split(/[ \t]*,[ \t]*/)
          wanted.find { |name| @options.protocols.include?(name) }
        end

        def agree_on_deflate
          Deflate::Settings.for(@options.deflate)&.agree(@request['sec-websocket-extensions'])
        rescue Deflate::Settings::Malformed
          raise Refused.new(400, 'Sec-WebSocket-Extensions is malformed')
        end

        def answer(protocol, extension)
          fields = @options.headers.dup
          fields['sec-websocket-accept'] = accept unless http2?
          fields['sec-websocket-protocol'] = protocol if protocol
          fields['sec-websocket-extensions'] = extension if extension
          fields
        end

        def accept = ::Digest::SHA1.base64digest("#{@request['sec-websocket-key']}#{GUID}")

        def refuse(refused)
          headers = { 'content-type' => 'text/plain; charset=utf-8', **refused.headers }
          headers = headers.except(*UPGRADE.keys) if http2?
          @request.respond("#{refused.message}\n", headers, status: refused.status)
          nil
        end

        def http2? = @request.version == 'HTTP/2'
      end
      private_constant :Handshake
    end
  end
end
