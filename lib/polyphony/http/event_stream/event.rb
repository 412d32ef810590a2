# frozen_string_literal: true

module Polyphony
  module HTTP
    class EventStream
      # Events as text.
      # @api private
      module Event
        class << self
          # @return [String]
          # @raise [ArgumentError, TypeError]
          def pack(data, event, id)
            text = ::String.new(encoding: ::Encoding::UTF_8)
            text << 'event: ' << field('event', event) << "\n" if event
            text << 'id: ' << field('id', id) << "\n" if id
            lines(data).each { |line| text << 'data: ' << line << "\n" } unless data.nil?
            text << "\n"
          end

          # @param text [String]
          # @return [Array<String>] at least one; all three ends of a line that clients know are ends
          # @raise [ArgumentError, TypeError]
          def lines(text)
            unless text.is_a?(::String)
              raise ::TypeError, "what is sent must be a String, not #{text.class}: encode it, as by JSON"
            end

            text = utf8(text)
            text.empty? ? [''] : text.split(/\r\n|\r|\n/, -1)
          end

          # @param milliseconds [Integer]
          # @return [String]
          # @raise [ArgumentError]
          def retry_after(milliseconds)
            return "retry: #{milliseconds}\n\n" if milliseconds.is_a?(::Integer) && !milliseconds.negative?

            raise ::ArgumentError, "retry must be an Integer of milliseconds, not #{milliseconds.inspect}"
          end

          private

          def field(name, value)
            value = utf8(value.to_s)
            return value unless value.match?(/[\r\n\0]/)

            raise ::ArgumentError, "#{name} must not have CR, LF or NUL: #{value.inspect}"
          end

          def utf8(text)
            text = text.encoding == ::Encoding::BINARY ? text.dup.force_encoding(::Encoding::UTF_8) : text.encode(::Encoding::UTF_8)
            return text if text.valid_encoding?

            raise ::ArgumentError, 'events are text in UTF-8'
          rescue ::EncodingError => e
            raise ::ArgumentError, "events are text in UTF-8: #{e.message}"
          end
        end
      end
      private_constant :Event
    end
  end
end
