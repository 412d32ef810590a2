# frozen_string_literal: true

require 'openssl'
require 'socket'
require 'tempfile'
require_relative '../support/process_usage'

module Bench
  module HTTP
    # A server that runs, on one core. It is stopped (SIGSTOP) whenever it is not its turn, so that servers take each
    # other neither time nor, by a new start for each figure, their warmth.
    class ServerProcess
      Failure = Class.new(StandardError)
      include ProcessUsage

      REQUEST = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
      BODY = "Hello, world!\n"

      attr_reader :port

      # @param contender [Contender]
      # @param credentials [Array<String>] certificate and key; none: no TLS
      # @param options [Options]
      def initialize(contender, credentials, options)
        @contender = contender
        @credentials = credentials
        @port = Addrinfo.tcp('127.0.0.1', 0).bind { |socket| socket.local_address.ip_port }
        @errors = Tempfile.new('bench')
        @pid = Process.spawn(contender.environment, 'taskset', '-c', options.server_core, *contender.command, @port.to_s,
                             *credentials, in: File::NULL, out: @errors.path, err: @errors.path, pgroup: true)
        wait_until_ready(options.limit)
      rescue Failure
        kill
        raise
      end

      def tls? = !@credentials.empty?
      def url = "http#{'s' if tls?}://127.0.0.1:#{@port}/"

      def pause = signal(:STOP)
      def resume = signal(:CONT)

      def kill
        signal(:KILL)
        Process.wait(@pid)
      rescue Errno::ECHILD
        nil
      ensure
        @errors.close!
      end

      # One request, and its answer as it has to be.
      # @raise [Failure, SystemCallError]
      def check(socket)
        socket.write(REQUEST)
        answer = +''
        answer << socket.readpartial(4096) until answer.end_with?(BODY)
        raise Failure, "answered #{answer.lines.first.inspect}" unless answer.start_with?('HTTP/1.1 200')
      end

      # @return [TCPSocket, OpenSSL::SSL::SSLSocket]
      def connect
        socket = TCPSocket.new('127.0.0.1', @port)
        tls? ? OpenSSL::SSL::SSLSocket.new(socket).tap { |ssl| ssl.sync_close = true }.connect : socket
      end

      private

      def wait_until_ready(limit)
        deadline = now + limit
        begin
          raise Failure, "ended: #{told}" if Process.wait(@pid, Process::WNOHANG)

          connect.then { |socket| check(socket).tap { socket.close } }
        rescue SystemCallError, EOFError, OpenSSL::SSL::SSLError => e
          raise Failure, "did not start within #{limit.to_i} s: #{e.message}" if now > deadline

          sleep 0.1
          retry
        end
      end

      def told = File.read(@errors.path).lines.map(&:strip).reject(&:empty?).first.to_s[0, 120]
      def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

      def signal(name)
        Process.kill(name, -@pid)
      rescue Errno::ESRCH
        nil
      end
    end
  end
end
