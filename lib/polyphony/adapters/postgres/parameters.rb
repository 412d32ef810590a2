# frozen_string_literal: true

require 'bigdecimal'
require 'date'
require 'json'

module Polyphony
  class Postgres
    # How Ruby objects are written as parameters: as text, whose type the server finds out from the statement. What is
    # not named here goes as its `to_s`, nil as NULL. A Hash with `:value` is the pg gem's own form, for a format or a
    # type: `{ value: bytes, format: 1 }`; any other is JSON. @api private
    module Parameters
      # @return [PG::TypeMapByClass]
      def self.map
        json = ::PG::TextEncoder::JSON.new
        ::PG::TypeMapByClass.new.tap do |map|
          map[::Array] = ::PG::TextEncoder::Array.new
          map[::Time] = ::PG::TextEncoder::TimestampWithTimeZone.new
          map[::DateTime] = ::PG::TextEncoder::String.new
          map[::Date] = ::PG::TextEncoder::Date.new
          map[::BigDecimal] = ::PG::TextEncoder::Numeric.new
          map[::Float] = ::PG::TextEncoder::Float.new
          map[::Hash] = ->(hash) { json unless hash.key?(:value) }
        end
      end
      private_class_method :map

      MAP = map
    end
    private_constant :Parameters
  end
end
