# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP2
      # What a client may do at most on one connection. Of frames that cost it nothing it may send so many at once; a
      # tenth as many are allowed to follow in each second. Beyond that the connection ends with ENHANCE_YOUR_CALM.
      class Limits
        # A name, its default, and the least and the most that it may be set to.
        TABLE = {
          target: [8 * 1024, 1, 1 << 24],
          head: [64 * 1024, 1, 1 << 24],
          fields: [100, 1, 1024],
          body: [nil, 0, nil],
          trailer: [16 * 1024, 1, 1 << 24],
          trailer_fields: [20, 1, 1024],
          streams: [128, 1, 1 << 20],
          stream_window: [64 * 1024, 0, (1 << 31) - 1],
          connection_window: [8 << 20, 65_535, (1 << 31) - 1],
          resets: [200, 1, 1 << 31],
          pings: [100, 1, 1 << 31],
          settings: [50, 1, 1 << 31],
          priorities: [1000, 1, 1 << 31],
          window_updates: [1000, 1, 1 << 31],
          empty_frames: [100, 1, 1 << 31],
          continuations: [16, 1, 1 << 24]
        }.freeze
        private_constant :TABLE

        # Frames that cost a client nothing.
        COUNTS = %i[resets pings settings priorities window_updates empty_frames].freeze

        # What stands for no limit: more than there are.
        UNLIMITED = (1 << 62)
        private_constant :UNLIMITED

        # @return [Integer] bytes of the path: 414
        attr_reader :target
        # @return [Integer] bytes of the header fields, 32 added for each: 431
        attr_reader :head
        # @return [Integer] number of header fields: 431
        attr_reader :fields
        # @return [Integer, nil] bytes of the body, nil without limit: 413
        attr_reader :body
        # @return [Integer] bytes of all trailer fields together: 431
        attr_reader :trailer
        # @return [Integer] number of trailer fields: 431
        attr_reader :trailer_fields
        # @return [Integer] at a time: REFUSED_STREAM
        attr_reader :streams
        # @return [Integer] bytes of one body that are taken before its handler reads; then four times as many
        attr_reader :stream_window
        # @return [Integer] bytes of all bodies that are taken before their handlers read
        attr_reader :connection_window
        # @return [Integer] requests that the client resets, or makes us reset
        attr_reader :resets
        # @return [Integer] PING
        attr_reader :pings
        # @return [Integer] SETTINGS
        attr_reader :settings
        # @return [Integer] PRIORITY and PRIORITY_UPDATE; two more for each request
        attr_reader :priorities
        # @return [Integer] WINDOW_UPDATE; two more for each request and each frame that it is sent
        attr_reader :window_updates
        # @return [Integer] frames with nothing in them, and of unknown types
        attr_reader :empty_frames
        # @return [Integer] CONTINUATION in one header
        attr_reader :continuations

        # @param limits [Hash{Symbol => Integer, nil}] limits that are not to have their defaults
        # @raise [ArgumentError] for a name that is no limit, and for numbers out of range
        # @raise [TypeError] for what is no Integer
        # @suspends no
        def initialize(**limits)
          unknown = limits.keys - TABLE.keys
          unless unknown.empty?
            raise ::ArgumentError, "no limit named #{unknown.join(', ')}; there are: #{TABLE.keys.join(', ')}"
          end

          TABLE.each do |name, (default, least, most)|
            instance_variable_set(:"@#{name}", check(name, limits.fetch(name, default), least, most || UNLIMITED))
          end
          freeze
        end

        # @return [Array<Integer>] for the session: all limits, in the order of its struct
        def to_a = TABLE.keys.map { |name| public_send(name) || UNLIMITED }

        # @return [String]
        def inspect
          "#<#{self.class} #{TABLE.keys.map { |name| "#{name}=#{public_send(name).inspect}" }.join(' ')}>"
        end

        private

        def check(name, value, least, most)
          return value if value.nil? && name == :body
          raise ::TypeError, "#{name} must be an Integer, not #{value.inspect}" unless value.is_a?(::Integer)
          return value if value.between?(least, most)

          raise ::ArgumentError, "#{name} must be from #{least} to #{most}, not #{value}"
        end
      end

      # The limits of a session that is not given others.
      Limits::DEFAULT = Limits.new
    end
  end
end
