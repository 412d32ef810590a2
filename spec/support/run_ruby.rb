# frozen_string_literal: true

require 'rbconfig'
require 'tempfile'

module Support
  # A child Ruby of this version, with the load path of the suite, that can never outlive its limit.
  module RunRuby
    LIMIT = 30
    LOAD_PATH = [EXTENSION_DIR, File.join(ROOT, 'lib')].flat_map { |dir| ['-I', dir] }.freeze

    # What a child left behind. `out, err, status = run_ruby(…)` works too.
    Result = Struct.new(:stdout, :stderr, :status, keyword_init: true) do
      def to_ary
        [stdout, stderr, status]
      end
    end

    # Raised when a child had to be killed; says what it had printed until then.
    class TimedOut < StandardError
      def initialize(what, limit, result)
        super("#{what} did not end within #{limit} s\nstdout: #{result.stdout}\nstderr: #{result.stderr}")
      end
    end

    # Runs Ruby code, or a file, in a process of its own. Code is written to a file first, so that `$0`
    # is a script that can be read, as it is for a user.
    #
    # @param script [String, nil] path of a Ruby file, or code; nil when +flags+ say what to run (-e, -r…)
    # @param args [Array<#to_s>] arguments of the script
    # @param stdin [String, IO, nil] text to feed, an IO to inherit, or nil for an empty input
    # @param env [Hash{String=>String,nil}] changes to the environment
    # @param flags [Array<String>] arguments of Ruby itself, such as -w
    # @param chdir [String] folder to run in
    # @param timeout [Numeric] seconds after which the child and all it started are killed
    # @param load_path [Boolean] false leaves the -I flags out
    # @return [Result] stdout, stderr, status
    # @raise [TimedOut] when the child was killed
    def run_ruby(script, *args, stdin: nil, env: {}, flags: [], chdir: Dir.pwd, timeout: LIMIT, load_path: true)
      RunRuby.with_file(script) do |file|
        command = [RbConfig.ruby, *(LOAD_PATH if load_path), *flags, *file, *args.map(&:to_s)]
        run_command(*command, stdin: stdin, env: env, chdir: chdir, timeout: timeout)
      end
    end

    # As run_ruby, for any command.
    def run_command(*command, stdin: nil, env: {}, chdir: Dir.pwd, timeout: LIMIT)
      Child.new(command, env, chdir, stdin).finish(timeout)
    end

    # Yields the path of +script+ in an array: of the file itself, or of a temporary one with that code.
    def self.with_file(script)
      return yield([]) if script.nil?
      return yield([script]) if !script.include?("\n") && File.file?(script)

      Tempfile.create(['script', '.rb']) do |file|
        file.write(script)
        file.close
        yield([file.path])
      end
    end

    # One child in a process group of its own, with its three streams.
    class Child
      def initialize(command, env, chdir, stdin)
        @command = command
        input, feed = stdin.is_a?(String) ? IO.pipe : [stdin || File::NULL, nil]
        outputs = [IO.pipe, IO.pipe]
        @pid = Process.spawn(env, *command, in: input, out: outputs[0][1], err: outputs[1][1],
                                            chdir: chdir, pgroup: true)
        [(input if feed), *outputs.map(&:last)].compact.each(&:close)
        @feeder = Thread.new { RunRuby.feed(feed, stdin) } if feed
        @readers = outputs.map { |reader, _| Thread.new { reader.read.tap { reader.close } } }
      end

      # Waits for the child and for the end of its output; kills its group when time is up.
      def finish(limit)
        waiter = Process.detach(@pid)
        deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + limit
        in_time = [waiter, *@readers].all? do |thread|
          thread.join([deadline - Process.clock_gettime(Process::CLOCK_MONOTONIC), 0].max)
        end
        kill_group
        result = collect(waiter)
        in_time ? result : raise(TimedOut.new(@command.join(' '), limit, result))
      end

      private

      def collect(waiter)
        @feeder&.kill
        stdout, stderr = @readers.map { |thread| thread.join(5) ? thread.value : '(held open by a stray process)' }
        Result.new(stdout: stdout, stderr: stderr, status: waiter.value)
      end

      # Also after a normal end, for what the child may have left running.
      def kill_group
        Process.kill(:KILL, -@pid)
      rescue Errno::ESRCH, Errno::EPERM
        nil # nothing is left of it
      end
    end

    def self.feed(pipe, text)
      pipe.write(text)
    rescue Errno::EPIPE
      nil # the child ended without reading it all
    ensure
      pipe.close
    end
  end
end
