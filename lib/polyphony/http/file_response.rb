# frozen_string_literal: true

require 'time'
require_relative 'media_types'

module Polyphony
  module HTTP
    # A file as the answer to GET or HEAD: conditions (RFC 9110, section 13) and a single range (section 14).
    # @api private
    class FileResponse
      # Bytes that are read at a time.
      CHUNK = 262_144

      def initialize(request, path, headers)
        @request = request
        @path = path
        @headers = headers
      end

      # @suspends while the client takes no more
      def serve
        return refuse unless %w[GET HEAD].include?(@request.method)

        ::File.open(@path, ::File::RDONLY | ::File::NONBLOCK | ::File::BINARY) do |file|
          stat = file.stat
          stat.file? ? answer(file, stat) : @request.respond("404 Not Found\n", PLAIN, status: 404)
        end
      rescue ::Errno::ENOENT, ::Errno::ENOTDIR, ::Errno::EACCES, ::Errno::ENXIO, ::Errno::ELOOP, ::Errno::ENAMETOOLONG
        @request.respond("404 Not Found\n", PLAIN, status: 404)
      end

      private

      PLAIN = { 'content-type' => 'text/plain; charset=utf-8' }.freeze
      private_constant :PLAIN

      def refuse
        @request.respond("405 Method Not Allowed\n", { 'allow' => 'GET, HEAD', **PLAIN }, status: 405)
      end

      def answer(file, stat)
        @etag = %("#{stat.mtime.to_i.to_s(16)}-#{stat.mtime.nsec.to_s(16)}-#{stat.size.to_s(16)}")
        @modified = ::Time.at(stat.mtime.to_i)
        fields = { 'etag' => @etag, 'last-modified' => @modified.httpdate, 'accept-ranges' => 'bytes',
                   'content-type' => MediaTypes.of(@path), **@headers }
        return @request.respond(nil, fields, status: 412) if precondition_failed?
        return @request.respond(nil, fields, status: 304) if unchanged?

        range = range_in(stat.size)
        return refuse_range(fields, stat.size) if range == :unsatisfiable

        range ? send_part(file, fields, range, stat.size) : send_range(file, fields, 0, stat.size, 200)
      end

      def send_part(file, fields, range, size)
        fields = { **fields, 'content-range' => "bytes #{range.first}-#{range.last}/#{size}" }
        send_range(file, fields, range.first, range.last - range.first + 1, 206)
      end

      def send_range(file, fields, from, length, status)
        @request.send_headers({ **fields, 'content-length' => length.to_s }, status: status)
        return if @request.head?

        file.seek(from)
        while length.positive? && (data = file.read([CHUNK, length].min))
          @request.send_chunk(data)
          length -= data.bytesize
        end
        @request.finish
      end

      def refuse_range(fields, size)
        fields = { **fields, 'content-range' => "bytes */#{size}" }
        @request.respond("416 Range Not Satisfiable\n", { **fields, **PLAIN }, status: 416)
      end

      def precondition_failed?
        if (tags = @request['if-match'])
          tags != '*' && !tags.split(/\s*,\s*/).include?(@etag)
        elsif (date = time_of('if-unmodified-since'))
          @modified > date
        end
      end

      def unchanged?
        if (tags = @request['if-none-match'])
          tags == '*' || tags.split(/\s*,\s*/).any? { |tag| tag.delete_prefix('W/') == @etag }
        elsif (date = time_of('if-modified-since'))
          @modified <= date
        end
      end

      # @return [Range, :unsatisfiable, nil] nil: the whole file, as for what is no single range of bytes
      def range_in(size)
        return unless @request.method == 'GET' && (text = @request['range']) && range_applies?
        return unless (match = /\Abytes=(\d{0,18})-(\d{0,18})\z/.match(text)) && match[1] + match[2] != ''

        from, to = match[1], match[2]
        return suffix(to.to_i, size) if from.empty?
        return if !to.empty? && to.to_i < from.to_i
        return :unsatisfiable if from.to_i >= size

        from.to_i..(to.empty? ? size - 1 : [to.to_i, size - 1].min)
      end

      def suffix(length, size)
        return :unsatisfiable if length.zero? || size.zero?

        [size - length, 0].max..(size - 1)
      end

      def range_applies?
        condition = @request['if-range'] or return true
        return condition == @etag if condition.end_with?('"')

        date = parse_time(condition)
        !date.nil? && @modified == date
      end

      def time_of(name)
        parse_time(@request[name]) if @request[name]
      end

      def parse_time(text)
        ::Time.httpdate(text)
      rescue ::ArgumentError
        nil # a date that is none counts as not there (RFC 9110, 13.1.3)
      end
    end
    private_constant :FileResponse
  end
end
