# frozen_string_literal: true

module Polyphony
  module HTTP
    module Rack
      # `rack.input`: the body as an IO, read as the app reads it.
      # @api private
      class Input
        # @param body [Body]
        def initialize(body)
          @body = body
        end

        # @return [String, nil] see IO#read
        def read(length = nil, buffer = nil) = @body.read(length, buffer)

        # @return [String, nil]
        def gets(*) = @body.gets

        # @yieldparam line [String]
        def each
          return enum_for unless block_given?

          while (line = gets)
            yield line
          end
          self
        end

        # @return [void]
        def close = @body.close

        # @return [Integer, nil]
        def size = @body.length

        # For requests that have none.
        class Empty
          # @return [String, nil] see IO#read
          def read(length = nil, buffer = nil)
            raise ::ArgumentError, "negative length #{length} given" if length&.negative?

            buffer&.clear
            length&.positive? ? nil : buffer || ::String.new
          end

          # @return [nil]
          def gets(*) = nil

          # @return [self, Enumerator] without yielding
          def each = block_given? ? self : enum_for

          # @return [nil]
          def close = nil

          # @return [Integer]
          def size = 0
        end

        # One for all of them.
        EMPTY = Empty.new.freeze
      end
    end
  end
end
