# frozen_string_literal: true

require_relative 'copy_in'

module Polyphony
  class Postgres
    # COPY as streams, in both directions.
    module Copying
      # Writes rows into a table: `COPY … FROM STDIN`. What ends the block with an error ends the COPY: nothing is
      # written then. The block waits when the server is slower.
      #
      #   db.copy_in('COPY people FROM STDIN') { |copy| people.each { |p| copy << [p.id, p.name] } }
      #   db.copy_in('COPY people FROM STDIN (FORMAT csv)', File.open('people.csv'))
      #
      # @param sql [String]
      # @param source [#read, #each, nil] text (or bytes) in the format of the COPY, or rows; in place of a block
      # @param encoder [PG::Coder, nil] for rows; default: `PG::TextEncoder::CopyRow`, which is for the text format
      # @yieldparam copy [CopyIn]
      # @return [Integer] rows written
      # @raise [PG::Error] what the server says about the data, as soon as it says so; and the others of {Queries#query}
      # @raise [ArgumentError] for a statement that is no such COPY
      # @suspends until the server has taken it
      def copy_in(sql, source = nil, encoder: nil, &block)
        raise ::ArgumentError, 'give either a source or a block' if source.nil? == block.nil?

        using { |connection| connection.copy_from(sql, encoder, block || ->(copy) { copy.concat(source) }) }
      end

      # Reads rows: `COPY … TO STDOUT`. The server waits while the block runs; `break` cancels the rest.
      #
      # @param sql [String]
      # @param decoder [PG::Coder, nil] makes arrays of rows, as `PG::TextDecoder::CopyRow.new`
      # @yieldparam row [String, Array] as the server sends it, with the line's end; or decoded
      # @return [Integer, Enumerator] rows read; an Enumerator without a block
      # @raise [PG::Error] and the others of {Queries#query}
      # @raise [ArgumentError] for a statement that is no such COPY
      # @suspends until there is a row
      def copy_out(sql, decoder: nil, &block)
        return to_enum(:copy_out, sql, decoder: decoder) unless block

        using { |connection| connection.copy_to(sql, decoder, &block) }
      end
    end
  end
end
