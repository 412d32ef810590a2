# frozen_string_literal: true

require 'io/wait'
require 'pty'

module Support
  # A child Ruby whose stdin, stdout and stderr are a terminal.
  module RunPty
    # Yields a Terminal on which +script+ (code or a file, see run_ruby) runs, and returns it after the
    # script has ended: `output` is all it printed, `status` how it ended.
    #
    # @param timeout [Numeric] seconds for the whole run; the child is killed then
    # @return [Terminal]
    # @raise [RunRuby::TimedOut] when something waited for did not come in time
    def run_pty(script, *args, env: {}, flags: [], timeout: RunRuby::LIMIT)
      RunRuby.with_file(script) do |file|
        command = [RbConfig.ruby, *RunRuby::LOAD_PATH, *flags, *file, *args.map(&:to_s)]
        terminal = Terminal.new(env, command, timeout)
        begin
          yield terminal if block_given?
          terminal.finish
        ensure
          terminal.kill
        end
      end
    end

    # The user's side of a terminal.
    class Terminal
      attr_reader :output, :status, :pid

      def initialize(env, command, limit)
        @name = command.join(' ')
        @limit = limit
        @deadline = now + limit
        @output = +''
        @reader, @writer, @pid = PTY.spawn(env, *command)
      end

      # Types a line, with its return key.
      def type(line)
        @writer.write("#{line}\n")
      end

      # Presses Ctrl with +letter+: `press_ctrl('c')`, `press_ctrl('d')`.
      def press_ctrl(letter)
        @writer.write((letter.upcase.ord & 0x1f).chr)
      end

      # Waits until +pattern+ has been printed.
      # @return [MatchData] the first match in all the output so far
      def wait_for(pattern)
        pattern = Regexp.new(Regexp.escape(pattern)) if pattern.is_a?(String)
        until (match = pattern.match(@output))
          read_some or raise RunRuby::TimedOut.new("#{@name} (ended without #{pattern.inspect})", @limit, result)
        end
        match
      end

      # Waits for the end of the script.
      def finish
        nil while read_some
        sleep 0.01 until (done = Process.wait2(@pid, Process::WNOHANG)) || now > @deadline
        raise RunRuby::TimedOut.new(@name, @limit, result) unless done

        @status = done.last
        self
      end

      def kill
        unless @status
          Process.kill(:KILL, @pid)
          @status = Process.wait2(@pid).last
        end
        [@reader, @writer].each(&:close)
      end

      private

      # Linux says EIO, not end of file, when the last process has left the terminal.
      def read_some
        @reader.wait_readable([@deadline - now, 0].max) or raise RunRuby::TimedOut.new(@name, @limit, result)
        @output << @reader.readpartial(65_536)
      rescue EOFError, Errno::EIO
        nil
      end

      def result
        RunRuby::Result.new(stdout: @output, stderr: '(the same terminal)')
      end

      def now
        Process.clock_gettime(Process::CLOCK_MONOTONIC)
      end
    end
  end
end
