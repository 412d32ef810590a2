# frozen_string_literal: true

require_relative 'cells'
require_relative 'contenders'
require_relative 'process'
require_relative '../support/results'

module Bench
  module HTTP
    # Measures every cell of every server, round by round. In a round each server is started once (and once more for
    # TLS); cells are shuffled, and so are the servers in a cell, which are measured right after each other.
    class Runner
      def initialize(cells, contenders, options)
        @cells = cells
        @contenders = contenders.select(&:present?)
        @options = options
        @results = Results.new
      end

      # @return [Results]
      def run
        limit = Process.getrlimit(:NOFILE).last
        Process.setrlimit(:NOFILE, limit, limit)
        1.upto(@options.rounds) do |round|
          @cells.partition(&:tls?).reject(&:empty?).shuffle.each { |cells| measure_all(cells.shuffle, round) }
          warn "round #{round} of #{@options.rounds} done"
        end
        @results
      end

      private

      # What the idle cell leaves behind of memory and work is none of the other cells'.
      def measure_all(cells, round)
        servers = start(cells.first.tls?, round, cells)
        cells.sort_by { |cell| cell.is_a?(IdleCell) ? 1 : 0 }.each do |cell|
          servers.to_a.shuffle.each { |contender, server| measure(cell, contender, server, round) }
        end
      ensure
        servers&.each_value(&:kill)
      end

      def start(tls, round, cells)
        credentials = tls ? Contenders.certificate : []
        @contenders.select { |contender| contender.tls || !tls }.shuffle.to_h do |contender|
          server = (@options.h2? ? H2::Server : ServerProcess).new(contender, credentials, @options).tap(&:pause)
          [contender, server]
        rescue ServerProcess::Failure => e
          warn "#{contender.name} FAILED #{e.message}"
          cells.each { |cell| @results.add(cell, contender, round, 'failed' => e.message) }
          [contender, nil]
        end.compact
      end

      def measure(cell, contender, server, round)
        server.resume
        answer = cell.measure(server, @options)
        @results.add(cell, contender, round, answer)
        warn format('%-10s %-16s %s', cell.id, contender.name, told(answer))
      rescue ServerProcess::Failure, SystemCallError, EOFError, OpenSSL::SSL::SSLError => e
        @results.add(cell, contender, round, 'failed' => e.message)
        warn format('%-10s %-16s FAILED %s', cell.id, contender.name, e.message)
      ensure
        server.pause
      end

      def told(answer)
        return format('%.1f KB each', answer['kb']) if answer['kb']

        format('%<rate>9.0f/s %<cpu>7.2f us CPU  p99 %<p99>.2f ms %<errors>s', rate: answer['rate'],
               cpu: answer['cpu_us'], p99: answer['p99_ms'] || 0, errors: answer['errors'])
      end
    end
  end
end
