# frozen_string_literal: true

module Polyphony
  class SQLite3
    # How connections are opened.
    class Options
      DEFAULT = { journal_mode: :wal, synchronous: :normal, foreign_keys: true }.freeze
      NAME = /\A[a-z_]+\z/
      VALUE = /\A[\w.-]+\z/
      private_constant :DEFAULT, :NAME, :VALUE

      # @return [String]
      attr_reader :path
      # @return [Numeric] seconds
      attr_reader :busy_timeout
      # @return [Integer]
      attr_reader :statements

      # @raise [ArgumentError, TypeError]
      def initialize(path, busy_timeout, statements, readonly, pragmas)
        @path = path
        @busy_timeout = Polyphony.duration(busy_timeout, 'busy_timeout')
        @statements = Polyphony.count(statements, 'statements')
        @readonly = readonly
        @pragmas = DEFAULT.merge(pragmas).map { |name, value| pragma(name, value) }
        raise ::ArgumentError, 'a database in memory cannot be readonly: it would stay empty' if memory? && readonly
      end

      # @return [Boolean] whether each connection would have a database of its own
      def memory? = [':memory:', ''].include?(@path) || @path.match?(/\Afile:.*(mode=memory|:memory:)/)

      # @return [::SQLite3::Database]
      def open
        open = ::SQLite3::Constants::Open
        flags = @readonly ? open::READONLY : open::READWRITE | open::CREATE
        flags |= open::URI if @path.start_with?('file:')
        ::SQLite3::Database.new(@path, flags: flags)
      rescue ::SQLite3::CantOpenException => e
        raise e.class, "#{e.message}: #{@path} (is there such a folder, and may this process write to it?)"
      end

      # @param writes [Boolean]
      # @return [Array<String>] statements
      def pragmas(writes:)
        list = @readonly ? @pragmas.reject { |sql| sql.start_with?('PRAGMA journal_mode') } : @pragmas
        writes || @readonly ? list : [*list, 'PRAGMA query_only = on']
      end

      private

      def pragma(name, value)
        value = { true => 'on', false => 'off' }.fetch(value, value).to_s
        return "PRAGMA #{name} = #{value}" if NAME.match?(name.to_s) && VALUE.match?(value)

        raise ::ArgumentError, "no pragma: #{name.inspect} => #{value.inspect}"
      end
    end
    private_constant :Options
  end
end
