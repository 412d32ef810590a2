# frozen_string_literal: true

require 'rbconfig'

module Stock
  # A Ruby process to talk with, for what belongs to a whole process: its stdin, its signals, its exit.
  Script = Struct.new(:output, :status, keyword_init: true)

  SCRIPT_LIMIT = 10 # seconds

  # Runs +code+ with Polyphony::Scheduler loaded and, around it, the methods of Prelude. Yields the process
  # for a conversation through its stdin and stdout; stderr goes to the output too.
  #
  # @return [Script] all that was printed (also what the block has read), and how the process ended
  def script(code, &conversation)
    command = [RbConfig.ruby, *Support::RunRuby::LOAD_PATH, '-r', 'polyphony/scheduler', '-r', PRELUDE, '-e', code]
    io = IO.popen([*command, { err: %i[child out] }], 'r+')
    limit = Thread.new { sleep(SCRIPT_LIMIT) and Process.kill(:KILL, io.pid) }
    output = Recorder.new(io)
    conversation&.call(output)
    output.rest
    limit.kill.join
    Script.new(output: output.text, status: close_process(io))
  ensure
    limit&.kill
    io.close if io && !io.closed?
  end

  PRELUDE = File.join(__dir__, 'prelude.rb')

  # What the other side of a conversation may do.
  class Recorder
    attr_reader :text

    def initialize(io)
      @io = io
      @text = +''
    end

    # Waits for one line.
    def gets
      @io.gets.tap { |line| @text << line.to_s }
    end

    def puts(line)
      @io.puts(line)
    end

    def pid
      @io.pid
    end

    def rest
      @io.close_write
      @text << @io.read
    end
  end

  private

  def close_process(io)
    io.close
    $? # rubocop:disable Style/SpecialGlobalVars -- popen leaves it nowhere else
  end
end
