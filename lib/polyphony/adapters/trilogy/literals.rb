# frozen_string_literal: true

module Polyphony
  class Trilogy
    # Values as SQL says them, and their places in a statement. The protocol's own prepared statements are not in the
    # gem.
    class Literals
      COMMENTS = %r{--(?=\s|\z).*$|\#.*$|/\*.*?\*/}m
      NAMES = /`[^`]*`/
      # What is no place for a value, or one.
      TOKENS = {
        true => /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|#{NAMES}|#{COMMENTS}|\?|:[a-z_]\w*/mi,
        false => /'[^']*'|"[^"]*"|#{NAMES}|#{COMMENTS}|\?|:[a-z_]\w*/mi
      }.freeze
      NO_BACKSLASHES = 0x200 # SERVER_STATUS_NO_BACKSLASH_ESCAPES
      TIME = "'%F %T.%6N'"
      private_constant :COMMENTS, :NAMES, :TOKENS, :NO_BACKSLASHES, :TIME

      # @param raw [::Trilogy]
      def initialize(raw)
        @raw = raw
      end

      # @param sql [String]
      # @param binds [Array]
      # @param named [Hash{Symbol => Object}]
      # @return [String]
      # @raise [ArgumentError, TypeError]
      # @suspends no
      def fill(sql, binds, named)
        return sql if binds.empty? && named.empty?
        raise ::ArgumentError, 'either ? with values, or :names, not both' unless binds.empty? || named.empty?

        binds.empty? ? fill_named(sql, named) : fill_in_order(sql, binds)
      end

      # @return [String]
      # @raise [TypeError]
      # @suspends no
      def of(value) # rubocop:disable Metrics/CyclomaticComplexity -- one case for each class
        case value
        when nil then 'NULL'
        when true then 'TRUE'
        when false then 'FALSE'
        when ::Integer then value.to_s
        when ::Float then value.finite? ? value.to_s : refuse(value)
        when ::String then string(value)
        when ::Symbol then string(value.name)
        when ::Time then value.getutc.strftime(TIME)
        when ::Array then value.empty? ? 'NULL' : value.map { |item| of(item) }.join(', ')
        else other(value)
        end
      end

      private

      def string(text)
        return "x'#{text.unpack1('H*')}'" if text.encoding == ::Encoding::BINARY && !text.ascii_only?

        "'#{@raw.escape(text)}'"
      end

      def other(value)
        return value.to_s('F') if defined?(::BigDecimal) && value.is_a?(::BigDecimal) && value.finite?
        return value.new_offset(0).strftime(TIME) if defined?(::DateTime) && value.is_a?(::DateTime)
        return "'#{value.iso8601}'" if defined?(::Date) && value.is_a?(::Date)

        refuse(value)
      end

      def refuse(value)
        raise ::TypeError, 'SQL can say nil, true, false, finite numbers, Strings, Symbols and times, ' \
                           "not #{value.inspect}"
      end

      def tokens = TOKENS.fetch((@raw.server_status & NO_BACKSLASHES).zero?)

      def fill_in_order(sql, binds)
        used = 0
        filled = sql.gsub(tokens) do |token|
          next token unless token == '?'

          used += 1
          used <= binds.size ? of(binds[used - 1]) : '?'
        end
        raise ::ArgumentError, "the statement takes #{used} values, not #{binds.size}" unless used == binds.size

        filled
      end

      def fill_named(sql, named)
        used = {}
        filled = sql.gsub(tokens) do |token|
          next token unless token.start_with?(':')

          name = token.delete_prefix(':').to_sym
          used[name] = true
          of(named.fetch(name) { raise ::ArgumentError, "the statement takes a value for :#{name}" })
        end
        unused = named.keys - used.keys
        return filled if unused.empty?

        raise ::ArgumentError, "the statement takes no value for #{unused.map(&:inspect).join(', ')}"
      end
    end
    private_constant :Literals
  end
end
