# frozen_string_literal: true

require 'stringio'

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

      # `rack.input` for Rack 2, which reads it again after `rewind`: it is in memory or, when large, in a file.
      # @api private
      class Rewindable
        # Bytes that are kept in memory.
        IN_MEMORY = 131_072

        # For requests that have none.
        class Empty < Input::Empty
          # @return [Integer] 0
          def rewind = 0
        end

        # One for all of them.
        EMPTY = Empty.new.freeze

        # @param body [Body]
        def initialize(body)
          @body = body
        end

        # @return [String, nil] see IO#read
        def read(*arguments) = copy.read(*arguments)

        # @return [String, nil]
        def gets = copy.gets

        # @yieldparam line [String]
        def each(&block) = copy.each(&block)

        # @return [Integer] 0
        def rewind = copy.rewind

        # @return [Integer]
        def size = copy.size

        # @return [void]
        def close = nil

        # Frees the copy, at the end of the request.
        def discard
          @copy.close! if @copy.respond_to?(:close!)
          @copy = nil
        end

        private

        def copy
          @copy ||= begin
            length = @body.length
            length && length <= IN_MEMORY ? ::StringIO.new(@body.read) : in_file
          end
        end

        def in_file
          require 'tempfile'
          ::Tempfile.new('polyphony-body', binmode: true).tap do |file|
            @body.each { |chunk| file.write(chunk) }
            file.rewind
          end
        end
      end
    end
  end
end
