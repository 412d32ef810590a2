# frozen_string_literal: true

module Polyphony
  module HTTP
    module Rack
      # Header fields of apps, as the server wants them.
      # @api private
      module Fields
        # @param headers [Hash]
        # @return [Boolean] whether they say nothing to the server, only to the client
        def self.ordinary?(headers)
          headers.is_a?(::Hash) && !headers.key?('rack.hijack') && !headers.key?('rack.protocol')
        end

        # @param headers [Hash]
        # @return [Boolean] whether {plain} would make a difference
        def self.odd?(headers)
          headers.any? do |_, value|
            value.is_a?(::String) ? value.include?("\n") : !(value.is_a?(::Array) && value.all?(::String))
          end
        end

        # Without what is meant for the server; values of several lines, as Rack 2 had them, become several
        # fields, and what is no String becomes one.
        #
        # @param headers [#each]
        # @return [Hash{String => String, Array<String>}]
        def self.plain(headers)
          headers.each_with_object({}) do |(name, value), fields|
            next if value.nil? || name.to_s.start_with?('rack.')

            fields[name] = text(value)
          end
        end

        # @return [String, Array<String>]
        def self.text(value)
          case value
          when ::Array then value.map(&:to_s)
          when ::String then value.include?("\n") ? value.split("\n") : value
          else value.to_s
          end
        end
        private_class_method :text

        # @param fields [Hash]
        # @param names [Array<String>] in lower case
        # @return [Hash] a copy without these
        def self.without(fields, *names)
          fields.reject { |key, _| names.include?(key.downcase) }
        end

        # @param fields [Hash]
        # @param name [String] in lower case
        # @return [String, Array<String>, nil]
        def self.find(fields, name)
          fields[name] || fields.find { |key, _| key.casecmp?(name) }&.last
        end
      end
    end
  end
end
