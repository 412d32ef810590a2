# frozen_string_literal: true

module Polyphony
  # The lines of a backtrace that are of the program: without ours, and without the hooks, which are
  # written in C and carry the program's own line. @api private
  module Frames
    # By the path it was required with, and by its real path.
    FOLDERS = [__dir__, ::File.dirname(__FILE__)].map { |folder| ::File.expand_path(folder) }.uniq
    OURS = FOLDERS.flat_map { |folder| ["#{folder}/", "#{folder}.rb:"] }.freeze
    HOOKS = %w[kernel_sleep block io_wait io_read io_write io_pread io_pwrite io_select process_wait
               timeout_after].freeze
    HOOK = /\A(?<place>.*):in [`'](?:Polyphony::Scheduler#)?(?:#{HOOKS.join('|')})'\z/
    PLACE = /\A(.*?:\d+)(?=:in |\z)/
    INTERNAL = /\A<internal:[^>]*>:\d+(?<label>.*)\z/m
    private_constant :FOLDERS, :OURS, :HOOKS, :HOOK, :PLACE, :INTERNAL

    class << self
      # @param line [String] of a backtrace, or a location
      # @return [Boolean] whether it is of the library itself
      # @suspends no
      def ours?(line)
        line.start_with?(*OURS)
      end

      # @param lines [Array<String>, nil]
      # @return [Array<String>]
      # @suspends no
      def own(lines)
        lines = (lines || []).reject { |line| ours?(line) }
        lines.pop while lines.last&.start_with?('<internal:') # our own call of Kernel#loop
        without_hooks(lines)
      end

      # As {own}, to be shown: what Ruby has written in Ruby (Queue#pop, Kernel#loop) is where it was called,
      # as Ruby 3.4 does it itself.
      #
      # @param lines [Array<String>, nil]
      # @return [Array<String>]
      # @suspends no
      def shown(lines)
        place = nil
        own(lines).reverse.map do |line|
          next line.sub(INTERNAL, "#{place}\\k<label>") if place && line.start_with?('<internal:')

          place = line[PLACE, 1]
          line.sub(/<compiled>(?='\z)/, '<main>') # an adopted main script
        end.reverse
      end

      # @param place [String] of a backtrace, or a location
      # @return [String] the same, below the current directory as a relative path
      # @suspends no
      def short(place)
        place.delete_prefix("#{::Dir.pwd}/")
      rescue ::SystemCallError # the directory is gone
        place
      end

      private

      # `sleep` called the hook kernel_sleep: both have the place of `sleep`.
      def without_hooks(lines)
        lines.drop_while.with_index do |line, index|
          place = line[HOOK, :place]
          place && lines[index + 1]&.start_with?("#{place}:")
        end
      end
    end
  end
  private_constant :Frames
end
