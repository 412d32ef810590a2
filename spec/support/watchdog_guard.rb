# frozen_string_literal: true

require 'rbconfig'

module Support
  # The watchdog's second line: a process beside the suite that is told, by lines on a pipe, how long
  # the next step may take. If that time passes without a word it sends the suite a SIGSEGV, at which
  # Ruby prints its C backtrace and aborts, and then kills what is left, children included.
  class WatchdogGuard
    AFTER_SEGV = 10

    # By way of a shell that ends at once, so that the guard is no child of the suite: `Process.wait` in an
    # example must not find it. In a thread, for the sake of `$?`.
    def initialize
      reader, @writer = IO.pipe
      shell = ['sh', '-c', '"$@" <&3 &', 'sh', RbConfig.ruby, '--disable-gems', __FILE__, Process.pid.to_s]
      Thread.new { Process.wait(Process.spawn(*shell, 3 => reader, in: File::NULL)) }.join
      reader.close
      @writer.sync = true
    end

    def arm(seconds)
      @writer.write("#{seconds}\n")
    rescue Errno::EPIPE
      nil # somebody killed the guard: the thread of the watchdog still works
    end

    def stop
      @writer.close
    end

    class << self
      # Kills every process below +pid+, by what /proc says; elsewhere there is nothing to ask.
      def kill_descendants(pid)
        descendants(pid).reverse_each { |child| kill(:KILL, child) }
      end

      # The body of the guard process.
      def run(input, suite)
        born = birth(suite)
        seconds = Float(input.gets || return)
        while birth(suite) == born && input.wait_readable(seconds)
          line = input.gets
          return unless line

          seconds = Float(line)
        end
        end_suite(suite, born, seconds) if birth(suite) == born
      end

      private

      def descendants(pid)
        below = children_by_parent
        found = below.fetch(pid, []) - [Process.pid]
        found.each { |child| found.concat(below.fetch(child, [])) }
      end

      def children_by_parent
        Dir.glob('/proc/[0-9]*/stat').each_with_object(Hash.new { |hash, key| hash[key] = [] }) do |file, below|
          # "pid (any name) state ppid …": the name may itself hold spaces and brackets
          below[Integer(File.read(file).rpartition(')').last.split[1])] << Integer(file[/\d+/])
        rescue Errno::ENOENT, Errno::ESRCH
          next # it ended meanwhile
        end
      end

      # When the process was started: the same number later may be another process.
      def birth(pid)
        File.read("/proc/#{pid}/stat").rpartition(')').last.split[19]
      rescue Errno::ENOENT, Errno::ESRCH
        File.exist?('/proc/self/stat') ? nil : alive?(pid)
      end

      def alive?(pid)
        Process.kill(0, pid) && true
      rescue Errno::ESRCH
        nil
      end

      def end_suite(suite, born, seconds)
        warn "\nspec watchdog: no sign of life for #{seconds} s, not even from other threads: aborting #{suite}"
        kill(:SEGV, suite)
        deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + AFTER_SEGV
        sleep 0.1 while birth(suite) == born && Process.clock_gettime(Process::CLOCK_MONOTONIC) < deadline
        return unless birth(suite) == born

        kill_descendants(suite)
        kill(:KILL, suite)
      end

      def kill(signal, pid)
        Process.kill(signal, pid)
      rescue Errno::ESRCH
        nil # it ended by itself
      end
    end
  end
end

if $PROGRAM_NAME == __FILE__
  require 'io/wait'
  Support::WatchdogGuard.run($stdin, Integer(ARGV.first))
end
