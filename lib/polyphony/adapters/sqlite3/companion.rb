# frozen_string_literal: true

require_relative '../../core'
require_relative 'errors'
require_relative 'ext'
require_relative 'guard'

module Polyphony
  class SQLite3
    # The {.guard} of a connection that is not ours.
    class Companion
      include Guard

      ALL = ::ObjectSpace::WeakMap.new
      private_constant :ALL

      # @param raw [::SQLite3::Database]
      # @param busy_timeout [Numeric] seconds
      # @return [Companion] always the same one for a connection
      def self.of(raw, busy_timeout)
        ALL[raw] ||= new(raw, busy_timeout)
      end

      def initialize(raw, busy_timeout)
        @busy_timeout = busy_timeout
        # The connection keeps it alive, by its handler.
        raw.busy_handler { |*count| busy(count.last) }
        Companion.load_extension(raw)
      end

      # Has a connection call its guard while it works.
      #
      # @param raw [::SQLite3::Database]
      # @raise [Polyphony::Error]
      def self.load_extension(raw)
        unless raw.respond_to?(:enable_load_extension)
          raise Error, 'this SQLite was built without extensions, so that its queries would hold all fibers: install ' \
                       'the gem sqlite3 as it comes, with an SQLite of its own'
        end

        raw.enable_load_extension(true)
        begin
          raw.load_extension(EXTENSION)
        ensure
          raw.enable_load_extension(false)
        end
      end

      private

      attr_reader :busy_timeout
    end
    private_constant :Companion

    # For connections that other gems have made (Sequel, ActiveRecord): in the block, queries of this one let other
    # fibers run, about every millisecond, and end when the fiber is stopped or its time is over; a database that
    # is locked is waited for as the loop waits. One fiber at a time may use the connection.
    #
    # @param raw [::SQLite3::Database]
    # @param busy_timeout [Numeric] seconds to wait at most for who has locked the database, from the first call on
    # @return [Object] the block's value
    # @raise [Exception] what came while SQLite was at work: it has given up
    # @suspends each millisecond of SQLite's work
    def self.guard(raw, busy_timeout: 5, &block)
      raise ::ArgumentError, 'a block is required' unless block

      Companion.of(raw, busy_timeout).guard(&block)
    end
  end
end
