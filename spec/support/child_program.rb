# frozen_string_literal: true

require_relative 'run_ruby'

module Support
  # A script that runs while the spec talks to it through pipes.
  module ChildProgram
    # Yields the running script. Its $stdout is not buffered, which changes nothing else about it.
    #
    # @param script [String] code, or the path of a file
    # @return [Running] after it has ended, or was killed at the end of the block
    def run_program(script, *args, env: {}, flags: [], libs: RunRuby::LOAD_PATH)
      Tempfile.create(['sync', '.rb']) do |sync|
        sync.write("$stdout.sync = true\n")
        sync.close
        RunRuby.with_file(script) do |file|
          running = Running.new(env, [RbConfig.ruby, *libs, "-r#{sync.path}", *flags, *file, *args.map(&:to_s)])
          begin
            yield running
          ensure
            running.kill
          end
          running
        end
      end
    end

    # The spec's side of it.
    class Running
      attr_reader :pid, :output

      def initialize(env, command)
        @output = +''
        child_in, @input = IO.pipe
        @out, child_out = IO.pipe
        @pid = Process.spawn(env, *command, in: child_in, out: child_out, err: %i[child out], pgroup: true)
        [child_in, child_out].each(&:close)
      end

      # Waits for a line that matches; the suite's watchdog is the limit.
      # @return [MatchData]
      def wait_for(pattern)
        until (match = pattern.match(@output))
          line = @out.gets or raise "it ended without #{pattern.inspect}:\n#{@output}"
          @output << line
        end
        match
      end

      def type(line)
        @input.puts(line)
      end

      def signal(name)
        Process.kill(name, @pid)
      end

      # @return [Process::Status] when the script has ended by itself
      def status
        @status ||= begin
          @output << @out.read
          Process.wait2(@pid).last
        end
      end

      def kill
        Process.kill(:KILL, -@pid) unless @status
        status
      rescue Errno::ESRCH
        status
      ensure
        [@input, @out].each(&:close)
      end
    end
  end
end

RSpec.configure { |config| config.include Support::ChildProgram }
