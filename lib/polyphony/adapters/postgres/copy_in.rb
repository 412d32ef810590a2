# frozen_string_literal: true

module Polyphony
  class Postgres
    # What the block of {Copying#copy_in} writes to. Like an IO it has `write`, so `IO.copy_stream(file, copy)` works.
    class CopyIn
      PIECE = 65_536 # bytes given to libpq before it must have sent them
      private_constant :PIECE

      # @return [Integer] bytes written; rows given as arrays not counted
      attr_reader :bytes

      # @param wire [Wire]
      # @param encoder [PG::Coder, nil]
      # @api private
      def initialize(wire, encoder)
        @wire = wire
        @encoder = encoder
        @bytes = @unsent = 0
      end

      # @param data [String, Array] text in the format of the COPY, in pieces of any size; or a row
      # @return [self]
      # @raise [PG::Error] what the server says about the data
      # @suspends while the server is slower
      def <<(data)
        data.is_a?(::Array) ? put(data, @encoder ||= ::PG::TextEncoder::CopyRow.new) : write(data)
        self
      end

      # @param texts [Array<String>]
      # @return [Integer] bytes
      # @raise [PG::Error] as {#<<}
      # @suspends as {#<<}
      def write(*texts)
        texts.sum do |text|
          text = text.to_s
          whole = text.bytesize <= PIECE
          0.step(text.bytesize - 1, PIECE) { |from| put(whole ? text : text.byteslice(from, PIECE), nil) }
          @bytes += text.bytesize
          text.bytesize
        end
      end

      # All of something.
      #
      # @param source [#read, #each]
      # @return [self]
      # @raise [PG::Error] as {#<<}
      # @raise [TypeError] for what has neither
      # @suspends as reading does, and {#<<}
      def concat(source)
        if source.respond_to?(:read)
          while (data = source.read(PIECE))
            write(data)
          end
        elsif source.respond_to?(:each)
          source.each { |data| self << data }
        else
          raise ::TypeError, "COPY reads from what has read or each, not from #{source.inspect}"
        end
        self
      end

      # @return [String]
      def inspect = "#<#{self.class} bytes=#{@bytes}>"

      private

      def put(data, encoder)
        flush until @wire.pg.sync_put_copy_data(data, encoder)
        @unsent += encoder ? data.size * 8 : data.bytesize
        return if @unsent < PIECE

        @unsent = 0
        flush
        look if @wire.wait(::IO::READABLE, 0)
      end

      def flush
        until @wire.pg.sync_flush
          events = @wire.wait(::IO::READABLE | ::IO::WRITABLE)
          look if events.anybits?(::IO::READABLE)
        end
      end

      # The server says something during a COPY. libpq does not look at it before the end, and the server reads away all
      # that is sent after an error: that could take long.
      def look
        failed = error_ahead?
        @wire.pg.consume_input
        return unless failed

        nil until @wire.pg.sync_put_copy_end('not wanted any more')
        @wire.last_result # raises what it was
      end

      # Looks at the messages that can be read: a letter, a length, and what they say. Through TLS they cannot be seen.
      def error_ahead?
        return false if @wire.pg.ssl_in_use?

        ahead = @wire.peek
        at = 0
        while at + 5 <= ahead.bytesize
          return true if ahead.getbyte(at) == 'E'.ord

          at += 1 + ahead.unpack1('N', offset: at + 1)
        end
        false
      end
    end
  end
end
