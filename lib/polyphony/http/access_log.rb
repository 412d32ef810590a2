# frozen_string_literal: true

require 'json'

module Polyphony
  module HTTP
    # A line for each request that was answered. Lines are gathered, and written once a second.
    class AccessLog
      # Bytes that are kept before they are written sooner.
      BUFFER = 65_536
      # Bytes that are kept while the log takes no more. Lines beyond them are lost.
      MOST = 4 << 20

      # What a line may look like.
      FORMATS = %i[common json].freeze
      MONTHS = %w[Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec].freeze
      private_constant :MONTHS

      # @param io [IO]
      # @param format [Symbol] :common (as Apache's, and the seconds it took), or :json
      # @raise [ArgumentError]
      def initialize(io, format: :common)
        raise ::ArgumentError, "no format #{format.inspect}: #{FORMATS.join(' or ')}" unless FORMATS.include?(format)

        @io = io
        @io.sync = true if io.respond_to?(:sync=) # one buffer is enough
        @format = format
        @lines = +''
        @lost = @failed = 0
      end

      # @param request [Request]
      # @param status [Integer]
      # @param bytes [Integer] of the body
      # @param seconds [Float]
      # @return [void]
      # @suspends no; outside of {#keep_writing}, when much has been gathered
      def write(request, status, bytes, seconds)
        return @lost += 1 if @lines.bytesize > MOST

        @lines << (@format == :json ? json(request, status, bytes, seconds) : common(request, status, bytes, seconds))
        return unless @lines.bytesize > BUFFER

        @writer ? @writer.wake : flush
      end

      # Writes once a second, and sooner when there is much, so that a log that takes no more holds up no request.
      #
      # @return [void]
      # @suspends until the fiber is stopped
      # @api private
      def keep_writing
        @writer = Lifecycle.current
        loop do
          Scheduler.park(:'access log', 1) if @lines.bytesize <= BUFFER
          flush
        end
      ensure
        @writer = nil
      end

      # @return [void]
      # @suspends while the log takes no more
      def flush
        return if @lines.empty?

        lines, @lines = @lines, +''
        outside { put(lines) }
        complain("#{@lost} lines of the access log were lost: it took no more") if @lost.positive?
        @lost = @failed = 0
      rescue ::SystemCallError, ::IOError => e # a full disk must not end the server
        complain("the access log cannot be written: #{e.message}") if (@failed += 1) == 1
      end

      # Opens the file again, after it was moved away.
      #
      # @return [void]
      # @suspends while the log takes no more
      def reopen
        flush
        outside { @io.reopen(@io.path, 'a').sync = true } if @io.is_a?(::File)
        @failed = 0
      end

      # Bytes that a pipe takes from one process without mixing them with those of another.
      AT_ONCE = 4096
      PIECES = /\G.{1,#{AT_ONCE - 1}}\n|\G[^\n]*\n/mn
      private_constant :AT_ONCE, :PIECES

      private

      # A disk may be slow, and standard output a pipe that takes no more: a thread waits for them.
      def outside(&block)
        return yield unless @io.is_a?(::IO) && ::Fiber.current_scheduler

        (@pool ||= ThreadPool.new(1, name: 'access log')).process(&block)
      end

      def put(lines)
        return @io.write(lines) unless @io.is_a?(::IO) && @io.stat.pipe?

        lines.b.scan(PIECES) { |piece| @io.write(piece) }
      end

      def complain(text)
        warn("polyphony: #{text}")
      rescue ::SystemCallError, ::IOError
        nil # standard error cannot be written to, either
      end

      def common(request, status, bytes, seconds)
        line = "#{quoted(request.method)} #{quoted(request.target)} #{request.version}"
        "#{address(request)} - - [#{time}] \"#{line}\" #{status} #{bytes} #{format('%.4f', seconds)}\n"
      end

      def json(request, status, bytes, seconds)
        now = ::Time.now
        "#{::JSON.generate(time: "#{now.utc.strftime('%FT%T.%L')}Z", address: address(request), method: request.method,
                           target: text(request.target), protocol: request.version, status: status, bytes: bytes,
                           seconds: seconds.round(6), agent: text(request['user-agent']),
                           referer: text(request['referer']))}\n"
      end

      def time
        now = ::Time.now
        format('%02d/%s/%d:%02d:%02d:%02d %s', now.day, MONTHS[now.month - 1], now.year, now.hour, now.min, now.sec,
               now.strftime('%z'))
      end

      def address(request)
        ip = request.remote_ip
        ip.empty? ? '-' : ip
      end

      def text(value)
        value && String.new(value, encoding: ::Encoding::UTF_8).scrub('?')
      end

      # No line is to be forged, and no terminal commanded.
      def quoted(value)
        text(value).gsub(/["\\[:cntrl:]]/) { |char| format('\\x%02x', char.ord) }
      end
    end
  end
end
