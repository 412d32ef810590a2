# frozen_string_literal: true

require 'etc'

module Bench
  # What a server and all processes below it use, by /proc. For classes with `@pid`.
  module ProcessUsage
    TICKS = Etc.sysconf(Etc::SC_CLK_TCK).to_f

    # @return [Float] seconds of processor time so far
    def cpu = tree.sum { |pid| stat(pid)&.values_at(11, 12)&.sum(&:to_i) || 0 } / TICKS

    # @return [Integer] KB resident
    def rss = tree.sum { |pid| File.read("/proc/#{pid}/status")[/VmRSS:\s+(\d+)/, 1].to_i }

    private

    # @return [Array<String>, nil] what follows the name
    def stat(pid)
      File.read("/proc/#{pid}/stat").rpartition(') ').last.split
    rescue Errno::ENOENT, Errno::ESRCH
      nil
    end

    def tree
      children = Dir.children('/proc').grep(/\A\d+\z/).group_by { |pid| stat(pid)&.at(1).to_i }
      found = [@pid]
      found.each { |pid| found.concat(children.fetch(pid, []).map(&:to_i)) }
    end
  end
end
