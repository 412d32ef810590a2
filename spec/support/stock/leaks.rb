# frozen_string_literal: true

module Stock
  # Compares threads, descriptors and child processes of this process before and after an example.
  class Leaks
    # What a library makes once and keeps.
    KEPT_THREADS = /timeout|Timeout|spec watchdog/.freeze

    def initialize
      @threads = Thread.list
      @descriptors = descriptors
      @children = children
    end

    # @raise [RSpec::Expectations::ExpectationNotMetError] naming what is left
    def check!
      left = (Thread.list - @threads).select(&:alive?).reject { |thread| kept?(thread) }.map(&:inspect)
      left += (descriptors.to_a - @descriptors.to_a).map { |fd, target| "descriptor #{fd}: #{target}" }
      left += (children - @children).map { |pid, name| "child #{pid} #{name}" }
      return if left.empty?

      raise RSpec::Expectations::ExpectationNotMetError, "left behind:\n  #{left.join("\n  ")}"
    end

    private

    def kept?(thread)
      thread.name&.match?(KEPT_THREADS) || thread.inspect.match?(%r{/timeout\.rb})
    end

    def descriptors
      Dir.children('/proc/self/fd').each_with_object({}) do |fd, open|
        open[fd] = File.readlink("/proc/self/fd/#{fd}")
      rescue Errno::ENOENT
        next # the descriptor of this very listing
      end
    end

    # "pid (any name) state ppid …": the name may itself hold spaces and brackets.
    def children
      Dir.glob('/proc/[0-9]*/stat').filter_map do |file|
        name, fields = File.read(file).split(/(?<=\))(?= [A-Z] )/, 2)
        [Integer(file[/\d+/]), name] if fields&.split&.at(1) == Process.pid.to_s
      rescue Errno::ENOENT, Errno::ESRCH
        next # it ended meanwhile
      end
    end
  end
end
