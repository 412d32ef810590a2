# frozen_string_literal: true

require 'socket'
require_relative 'process'

module Bench
  module HTTP
    # What is measured of a server.
    class Cell
      attr_reader :id, :title, :connections

      # @param arguments [Array<String>] further ones of wrk
      def initialize(id, title, connections: 50, arguments: [], tls: false)
        @id = id
        @title = title
        @connections = connections
        @arguments = arguments
        @tls = tls
      end

      def tls? = @tls

      # @return [Hash{String => Numeric}] rate, cpu_us, p99_ms
      # @raise [ServerProcess::Failure]
      def measure(server, options)
        load(server, options, [options.seconds / 4, 0.3].max)
        cpu = server.cpu
        output = load(server, options, options.seconds)
        cpu = server.cpu - cpu
        count = output[/(\d+) requests in/, 1].to_i
        raise ServerProcess::Failure, 'answered nothing' if count.zero?
        raise ServerProcess::Failure, output[/Non-2xx.*/] if output.include?('Non-2xx')

        { 'rate' => output[%r{Requests/sec:\s+([\d.]+)}, 1].to_f, 'cpu_us' => cpu / count * 1e6,
          'p99_ms' => milliseconds(output[/99%\s+(\S+)/, 1]), 'rss_mb' => server.rss / 1024.0,
          'errors' => output[/Socket errors: (.*)/, 1] }
      end

      private

      def load(server, options, seconds)
        command = ['taskset', '-c', options.load_core, 'wrk', '-t1', "-c#{@connections}", "-d#{seconds.ceil}",
                   '--latency', *@arguments, server.url]
        IO.popen(command, err: File::NULL, &:read)
      end

      # @return [Float, nil] nil where wrk cannot tell: with some who answer pipelined requests one by one
      def milliseconds(text)
        number, unit = text&.match(/\A([\d.]+)(us|ms|s|m)\z/)&.captures
        number.to_f * { 'us' => 0.001, 'ms' => 1, 's' => 1000, 'm' => 60_000 }.fetch(unit) if number.to_f.positive?
      end
    end

    # What a connection takes that has been answered once and then does nothing.
    class IdleCell < Cell
      SETTLE = 3 # seconds: some give memory back only after a while

      def measure(server, options)
        before = server.rss
        deadline = now + options.limit
        sockets = Array.new(connections) do
          raise ServerProcess::Failure, 'takes too long to answer that many' if now > deadline

          server.connect.tap { |socket| server.check(socket) }
        end
        sleep SETTLE
        { 'kb' => (server.rss - before).fdiv(connections) }
      ensure
        sockets&.each(&:close)
      end

      private

      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    CELLS = [
      Cell.new('c50', '50 connections'),
      Cell.new('c1', '1 connection', connections: 1),
      Cell.new('c500', '500 connections', connections: 500),
      Cell.new('pipelined', '50 connections, 16 requests pipelined', arguments: ['-s', "#{__dir__}/pipeline.lua"]),
      Cell.new('tls', '50 connections, TLS', tls: true),
      Cell.new('close', '50 clients, a connection for each request', arguments: ['-H', 'Connection: close']),
      IdleCell.new('idle', '10,000 idle connections', connections: 10_000)
    ].to_h { |cell| [cell.id, cell] }.freeze
  end
end
