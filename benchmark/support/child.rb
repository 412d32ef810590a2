# frozen_string_literal: true

require 'json'
require 'tempfile'

module Bench
  # One process that runs one row on one contender, and is killed if it hangs.
  class Child
    SCRIPT = File.expand_path('../fibers/child.rb', __dir__)

    # @param row [String] a row's id, or --version
    def initialize(contender, row, options)
      @contender = contender
      @limit = options.limit
      @command = [RbConfig.ruby, SCRIPT, contender.peer, row]
      @command.unshift('taskset', '-c', options.cpu) if options.cpu
    end

    # @return [Hash] the child's answer; `failed` says why there is no figure
    def run
      Tempfile.create('bench') do |errors|
        reader, writer = IO.pipe
        pid = Process.spawn(@contender.env, *@command, out: writer, err: errors, in: File::NULL, pgroup: true)
        writer.close
        answer(pid, reader, errors)
      ensure
        reader.close
      end
    end

    private

    def answer(pid, reader, errors)
      finished = reader.wait_readable(@limit)
      line = finished && reader.gets
      Process.kill(:KILL, -pid) unless line
      _, status = Process.wait2(pid)
      return { 'failed' => "hung: killed after #{@limit.to_i} s" } unless finished

      line ? JSON.parse(line) : { 'failed' => died(status, errors) }
    rescue Errno::ESRCH # it ended between our look and the kill
      Process.wait(pid)
      { 'failed' => 'ended without an answer' }
    end

    def died(status, errors)
      errors.rewind
      reason = errors.each_line.map(&:strip).reject(&:empty?).first
      "died (#{status.signaled? ? "signal #{status.termsig}" : "exit #{status.exitstatus}"}): #{reason}"[0, 160]
    end
  end
end
