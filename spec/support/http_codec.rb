# frozen_string_literal: true

require 'polyphony/http/http1'

# Feeds bytes to a parser in pieces of any size, and writes down what comes out.
module Support
  module HTTPCodec
    HTTP1 = Polyphony::HTTP::HTTP1
    HEADS = %i[method target path query_string scheme authority version keep_alive? upgrade? chunked? expect_continue?
               content_length body?].freeze

    # What a parser makes of +bytes+: [:head, …], [:body, String], [:end, trailers] and at most one [:error, status,
    # reason], in this order, whatever the pieces.
    class Reading
      attr_reader :events, :parser

      def initialize(limits: {}, max: 65_536)
        @parser = HTTP1::Parser.new(HTTP1::Limits.new(**limits))
        @max = max
        @events = []
      end

      def feed(bytes)
        return if failed?

        @parser.feed(bytes)
        nil while more?
      rescue Polyphony::HTTP::ProtocolError => e
        @events << [:error, e.status, e.message]
      end

      def failed?
        @events.last&.first == :error
      end

      private

      # The end of a body with a length comes with its last byte, that of a chunked one by itself.
      def more?
        return take_body if @in_body

        head = @parser.next_head or return false
        @events << [:head, HEADS.to_h { |name| [name, head.public_send(name)] }, head.each_header.to_a]
        @in_body = true
        finish if @parser.complete?
        true
      end

      def take_body
        chunk = @parser.read_body(@max)
        note(chunk) if chunk
        finish if @parser.complete?
        chunk || !@in_body
      end

      def note(chunk)
        raise 'an empty chunk' if chunk.empty?

        @events.last.first == :body ? @events.last[1] << chunk : @events << [:body, chunk]
      end

      def finish
        @in_body = false
        @events << [:end, @parser.trailers]
      end
    end

    def read(*pieces, **options)
      reading = Reading.new(**options)
      pieces.each { |piece| reading.feed(piece) }
      reading.events
    end

    # @return [Array<String>] of random sizes, many of them of a few bytes
    def cut(bytes, random)
      pieces = []
      at = 0
      while at < bytes.bytesize
        size = 1 + (random.rand(4).zero? ? random.rand(bytes.bytesize) : random.rand(12))
        pieces << bytes.byteslice(at, size)
        at += size
      end
      pieces
    end

    # Reads it whole, byte by byte and in random pieces; fails unless all give the same events.
    def read_every_way(bytes, random: Random.new(RSpec.configuration.seed), **options)
      whole = read(bytes, **options)
      ways = { 'byte by byte' => bytes.each_byte.map(&:chr) }
      12.times { |i| ways["cut #{i}"] = cut(bytes, random) }
      ways.each { |way, pieces| expect([way, read(*pieces, **options)]).to eq([way, whole]) }
      expect(read(bytes, **options, max: 3)).to eq(whole)
      whole
    end
  end
end

RSpec.configure { |config| config.include Support::HTTPCodec, :codec }
