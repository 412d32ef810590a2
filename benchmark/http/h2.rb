# frozen_string_literal: true

require_relative 'cells'
require_relative 'contenders'
require_relative 'process'
require_relative 'report'

module Bench
  module HTTP
    # HTTP/2 in clear text, with prior knowledge: `run.rb --h2`.
    module H2
      # Measured by h2load.
      class Cell < HTTP::Cell
        # @param streams [Integer] requests at a time on each connection
        def initialize(id, title, connections:, streams:)
          super(id, title, connections: connections)
          @streams = streams
        end

        def measure(server, options)
          load(server, options, [options.seconds / 4, 1].max)
          cpu = server.cpu
          output = load(server, options, options.seconds)
          cpu = server.cpu - cpu
          # What h2load cuts at the end of its time was asked for, too; done counts.
          done, failed = output[/^requests: .*/].scan(/(\d+) (done|failed)/).to_h { |count, name| [name, count.to_i] }.values_at('done', 'failed')
          raise ServerProcess::Failure, 'answered nothing' if done.zero?
          raise ServerProcess::Failure, "#{failed} requests failed" if failed.positive?

          { 'rate' => output[%r{([\d.]+) req/s,}, 1].to_f, 'cpu_us' => cpu / done * 1e6, 'rss_mb' => server.rss / 1024.0 }
        end

        private

        def load(server, options, seconds)
          command = ['taskset', '-c', options.load_core, 'h2load', '-t1', "-c#{connections}", "-m#{@streams}",
                     "-D#{seconds.ceil}", server.url]
          IO.popen(command, err: File::NULL, &:read)
        end
      end

      # Answers no request of HTTP/1.
      class Server < ServerProcess
        # @raise [Failure, SystemCallError]
        def check(_socket)
          body = IO.popen(['curl', '-s', '-m', '5', '--http2-prior-knowledge', url], &:read)
          raise Errno::ECONNREFUSED, 'no answer' if body.empty?
          raise Failure, "answered #{body.inspect}" unless body == BODY
        end
      end

      # As HTTP's, with a limit of its own.
      class Contenders < HTTP::Contenders
        SOURCE = 'raw_h2.c'

        private

        def compile = compile_c(SOURCE, ['-lnghttp2'])
        def libraries = 'libev, nghttp2'
      end

      # As HTTP's, in a chapter of its own.
      class Report < HTTP::Report
        TITLE = 'HTTP/2 benchmarks'

        def tables = [costs, ratios, rates, failures].compact.join("\n")

        private

        def generator = 'h2load'
        def title = TITLE
      end

      # Those of PEERS that speak it in clear text.
      PEERS = %w[polyphony polyphony-rack falcon].freeze

      CELLS = [
        Cell.new('h2-many', '10 connections, 100 streams each', connections: 10, streams: 100),
        Cell.new('h2-some', '50 connections, 10 streams each', connections: 50, streams: 10),
        Cell.new('h2-one', '50 connections, a request at a time', connections: 50, streams: 1)
      ].to_h { |cell| [cell.id, cell] }.freeze
    end
  end
end
