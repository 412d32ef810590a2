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
          0.step(text.bytesize - 1, PIECE) { |from| put(text.bytesize > PIECE ? text.byteslice(from, PIECE) : text, nil) }
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
        @wire.flush until @wire.pg.sync_put_copy_data(data, encoder)
        @unsent += encoder ? data.size * 8 : data.bytesize
        return if @unsent < PIECE

        @unsent = 0
        @wire.flush
        @wire.read(0) # it may have said that it will not have it
      rescue ::PG::Error
        raise if @wire.broken?

        @wire.last_result # why the COPY has ended
        raise
      end
    end
  end
end
