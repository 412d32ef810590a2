# frozen_string_literal: true

module Polyphony
  module HTTP
    module HTTP1
      # What a request may be at most. A client that goes beyond gets the status named with each limit, and
      # its connection is closed.
      class Limits
        # A name, its default, and the most that it may be set to.
        TABLE = {
          target: [8 * 1024, 1 << 24],
          head: [32 * 1024, 1 << 24],
          fields: [100, 1024],
          body: [nil, nil],
          chunk_line: [256, 1 << 16],
          trailer: [8 * 1024, 1 << 24],
          trailer_fields: [20, 1024]
        }.freeze
        private_constant :TABLE

        # What stands for no limit of the body: more bytes than there are.
        UNLIMITED = (1 << 62)
        private_constant :UNLIMITED

        # @return [Integer] bytes of the request target (path and query): 414
        attr_reader :target
        # @return [Integer] bytes of request line and header fields together: 431
        attr_reader :head
        # @return [Integer] number of header fields: 431
        attr_reader :fields
        # @return [Integer, nil] bytes of the body, nil without limit: 413
        attr_reader :body
        # @return [Integer] bytes of the line before each chunk of a body, extensions included: 400
        attr_reader :chunk_line
        # @return [Integer] bytes of all trailer fields together: 431
        attr_reader :trailer
        # @return [Integer] number of trailer fields: 431
        attr_reader :trailer_fields

        # @param limits [Hash{Symbol => Integer, nil}] limits that are not to have their defaults: target 8,192
        #   bytes; head 32,768 bytes; fields 100; body nil (the server has a limit of its own); chunk_line 256
        #   bytes; trailer 8,192 bytes; trailer_fields 20
        # @raise [ArgumentError] for a name that is no limit, and for numbers out of range
        # @raise [TypeError] for what is no Integer
        # @suspends no
        def initialize(**limits)
          unknown = limits.keys - TABLE.keys
          unless unknown.empty?
            raise ArgumentError, "no limit named #{unknown.join(', ')}; there are: #{TABLE.keys.join(', ')}"
          end

          TABLE.each do |name, (default, most)|
            instance_variable_set(:"@#{name}", check(name, limits.fetch(name, default), most))
          end
          freeze
        end

        # @return [Array<Integer>] for the parser: all limits, in the order of its struct
        def to_a
          [target, head, fields, body || UNLIMITED, chunk_line, trailer, trailer_fields]
        end

        # @return [String]
        def inspect
          "#<#{self.class} #{TABLE.keys.map { |name| "#{name}=#{public_send(name).inspect}" }.join(' ')}>"
        end

        private

        def check(name, value, most)
          return value if value.nil? && name == :body
          raise TypeError, "#{name} must be an Integer, not #{value.inspect}" unless value.is_a?(Integer)

          most ||= UNLIMITED
          return value if value.between?(name == :body ? 0 : 1, most)

          raise ArgumentError, "#{name} must be from 1 to #{most}, not #{value}"
        end
      end

      # The limits of a parser that is not given others.
      Limits::DEFAULT = Limits.new
    end
  end
end
