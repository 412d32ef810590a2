# frozen_string_literal: true

# What a process holds, as the kernel sees it. Loaded by the memory specs and by the programs they run.
module Memory
  PROGRAM = File.expand_path(__FILE__)
  WORKLOADS = File.expand_path('memory_workloads.rb', __dir__)
  MAX_MAP_COUNT = '/proc/sys/vm/max_map_count'

  module_function

  # @return [Integer] resident memory in KiB
  def rss
    File.read('/proc/self/status')[/VmRSS:\s+(\d+)/, 1].to_i
  end

  # @return [Integer] memory mappings: a suspended fiber holds two
  def maps
    File.foreach('/proc/self/maps').count
  end

  # @return [Integer] open descriptors
  def fds
    Dir.children('/proc/self/fd').size
  end

  # @return [Integer] native threads
  def threads
    Dir.children('/proc/self/task').size
  end

  def all
    { rss: rss, maps: maps, fds: fds, threads: threads }
  end

  # Calls the block +rounds+ times, and prints what the process holds after each of ten steps.
  def sample(rounds)
    step = rounds / 10
    rounds.times do |i|
      yield i
      next unless ((i + 1) % step).zero?

      GC.start
      puts all.values.join(' ')
    end
  end

  # What a child printed: a Hash of columns, { rss: [...], maps: [...], fds: [...], threads: [...] }.
  def samples(output)
    rows = output.lines.map { |line| line.split.map { |n| Integer(n) } }
    %i[rss maps fds threads].zip(rows.transpose).to_h
  end

  # How much a column rose above its first value, after the warm-up.
  def rise(column)
    column.max - column.first
  end
end
