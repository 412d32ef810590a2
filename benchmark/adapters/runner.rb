# frozen_string_literal: true

require 'io/wait'
require 'json'
require 'rbconfig'
require 'tempfile'
require_relative 'servers'

module Bench
  module Adapters
    # Runs every contender of every row, round by round. Within a round the rows are shuffled, and so are the
    # contenders of a row, which run right after each other: what disturbs one then disturbs its neighbours too.
    class Runner
      ROOT = File.expand_path('../..', __dir__)
      CHILD = [RbConfig.ruby, '-I', File.join(ROOT, 'lib'), '-I', File.join(ROOT, 'tmp/ext', RUBY_VERSION),
               File.join(__dir__, 'child.rb')].freeze

      def initialize(options)
        @options = options
        @samples = Hash.new { |hash, key| hash[key] = {} }
      end

      # @return [Hash{Array(String, String) => Hash{Integer => Hash}}] by row and contender, then by round
      def run
        1.upto(@options.rounds) do |round|
          @options.rows.shuffle.each { |row| row.contenders.keys.shuffle.each { |name| measure(row, name, round) } }
          warn "round #{round} of #{@options.rounds} done"
        end
        @samples
      end

      private

      def measure(row, name, round)
        samples = @samples[[row.id, name]]
        return if samples.each_value.any? { |answer| answer['missing'] || answer['failed'] }

        answer = samples[round] = child(row, name)
        warn format('%-16s %-40s %s', row.id, name, told(answer))
      end

      def told(answer)
        return answer.inspect unless answer['rate']

        format('%<rate>12.0f/s %<cpu>9.2f us CPU', rate: answer['rate'], cpu: answer['cpu_us'])
      end

      def child(row, name)
        Tempfile.create('bench') do |errors|
          reader, writer = IO.pipe
          pid = Process.spawn({ 'BENCH_SECONDS' => @options.seconds.to_s }, *CHILD, row.id, name,
                              out: writer, err: errors, in: File::NULL, pgroup: true)
          writer.close
          answer(pid, reader, errors)
        ensure
          reader.close
        end
      end

      def answer(pid, reader, errors)
        finished = reader.wait_readable(@options.limit)
        line = finished && reader.gets
        Process.kill(:KILL, -pid) unless line
        Process.wait(pid)
        return { 'failed' => "hung: killed after #{@options.limit.to_i} s" } unless finished
        return JSON.parse(line) if line

        errors.rewind
        { 'failed' => "died: #{errors.each_line.map(&:strip).find { |text| !text.empty? }}"[0, 160] }
      end
    end
  end
end
