# frozen_string_literal: true

module Polyphony
  module HTTP
    # What a client may ask of the server. Every limit has a name, a default, a status that the client
    # gets and a line in the log; nil means none. Sizes are in bytes, times in seconds.
    class Limits
      # name => default
      DEFAULTS = {
        target_bytes: 8192, # of the request target (path and query): 414
        header_bytes: 65_536, # of request line and header together: 431
        header_count: 100, # header fields: 431
        body_bytes: 64 << 20, # 413
        trailer_bytes: 16_384, # 431
        drain_bytes: 131_072, # of a body that the handler left unread, before the connection is closed instead
        header_timeout: 10, # from the first byte of a request to the end of its header: 408
        body_timeout: 30, # between two pieces of the body: 408
        handler_timeout: 60, # from the header to the beginning of the response: 503
        write_timeout: 30, # in which the client takes nothing: the connection is closed
        idle_timeout: 60, # between two requests: the connection is closed
        tls_timeout: 10, # for the handshake: the connection is closed
        connections: 10_000, # at a time; more wait in the listen queue
        requests: 10_000, # on one connection: the last answer says `connection: close`
        # HTTP/2 only. Beyond one of those after body_window the connection ends with ENHANCE_YOUR_CALM; a tenth as many
        # are allowed to follow in each second.
        requests_http2: nil, # on one connection: GOAWAY; as `requests`, if that is given
        streams: 128, # requests at a time on one connection: REFUSED_STREAM
        stream_window: 65_536, # bytes of one body that are taken before its handler reads; then four times as many
        body_window: 8 << 20, # bytes of all bodies of a connection that are taken before handlers read
        resets: 200, # requests that the client resets, or makes us reset
        pings: 100, # PING frames
        settings: 50, # SETTINGS frames
        priorities: 1000, # PRIORITY frames; two more for each request
        window_updates: 1000, # WINDOW_UPDATE frames; two more for each request, and for each frame that is sent
        empty_frames: 100, # frames with nothing in them, or of unknown types
        continuations: 16 # CONTINUATION frames in one header
      }.freeze

      # Without a limit of ours there is one of the parser's.
      MOST = 1 << 24

      SECONDS = %i[header_timeout body_timeout handler_timeout write_timeout idle_timeout tls_timeout].freeze
      private_constant :SECONDS, :MOST

      DEFAULTS.each_key { |name| attr_reader name }

      # @param limits [Hash{Symbol => Numeric, nil}] those that differ from {DEFAULTS}
      # @raise [ArgumentError] for a name that is none, and for what is no positive number
      # @raise [TypeError] for a time that is no number
      # @suspends no
      def initialize(**limits)
        unknown = limits.keys - DEFAULTS.keys
        unless unknown.empty?
          raise ::ArgumentError, "no limit is named #{unknown.join(', ')}; there are: #{DEFAULTS.keys.join(', ')}"
        end

        limits = { requests_http2: limits[:requests], **limits } if limits.key?(:requests)
        DEFAULTS.merge(limits).each { |name, value| instance_variable_set(:"@#{name}", checked(name, value)) }
        freeze
      end

      # @return [HTTP1::Limits] those that the parser of HTTP/1 looks after
      # @suspends no
      # @api private
      def http1
        HTTP1::Limits.new(target: target_bytes || MOST, head: header_bytes || MOST, fields: header_count || 1024,
                          body: body_bytes, trailer: trailer_bytes || MOST)
      end

      # @return [HTTP2::Limits] those that sessions of HTTP/2 look after
      # @suspends no
      # @api private
      def http2
        counts = HTTP2::Limits::COUNTS.to_h { |name| [name, public_send(name) || MOST] }
        HTTP2::Limits.new(target: target_bytes || MOST, head: header_bytes || MOST, fields: header_count || 1024,
                          body: body_bytes, trailer: trailer_bytes || MOST, streams: streams || 65_536,
                          continuations: continuations || MOST, stream_window: stream_window || MOST,
                          connection_window: body_window || 1 << 30, **counts)
      end

      # @return [Hash{Symbol => Numeric, nil}]
      # @suspends no
      def to_h
        DEFAULTS.to_h { |name, _| [name, public_send(name)] }
      end

      private

      def checked(name, value)
        return value if value.nil?
        return Polyphony.count(value, name.to_s) unless SECONDS.include?(name)
        raise ::ArgumentError, "#{name} must be positive" unless Polyphony.duration(value, name.to_s).positive?

        value
      end
    end
  end
end
