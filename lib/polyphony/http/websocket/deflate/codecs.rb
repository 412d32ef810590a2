# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      class Deflate
        # zlib's streams of one kind, taken for a message and put back: a fiber has one for itself while it works.
        # @api private
        class Codecs
          # How many are kept.
          KEPT = 4

          class << self
            # @return [Codecs]
            def inflaters = @inflaters ||= new { ::Zlib::Inflate.new(-::Zlib::MAX_WBITS) }

            # @return [Codecs]
            def deflaters(level, bits, mem_level)
              (@deflaters ||= {})[[level, bits, mem_level]] ||= new { ::Zlib::Deflate.new(level, -bits, mem_level) }
            end
          end

          def initialize(&make)
            @make = make
            @kept = []
          end

          # @return [Zlib::ZStream] a new one
          def make = @make.call

          # @yieldparam codec [Zlib::ZStream] as new
          # @return [Object] the block's value
          def use
            codec = @kept.pop || make
            value = yield codec
            codec.reset
            reusable = true
            value
          ensure
            reusable && @kept.size < KEPT ? @kept << codec : codec&.close
          end
        end
      end
    end
  end
end
