# frozen_string_literal: true

module Polyphony
  class Postgres
    # What a connection does piece by piece: large results, and COPY. While the block of one runs the connection is
    # busy, and what is left when it ends early is cancelled (see Operations#operate). @api private
    module Streams
      ROWS = [::PG::PGRES_SINGLE_TUPLE, (::PG::PGRES_TUPLES_CHUNK if defined?(::PG::PGRES_TUPLES_CHUNK))].compact.freeze
      private_constant :ROWS

      # @return [Integer] rows
      def stream(sql, params, chunk, form, &block)
        operate do
          @wire.pg.send_query_params(sql, params)
          chunk > 1 && ROWS.size > 1 ? @wire.pg.set_chunked_rows_mode(chunk) : @wire.pg.set_single_row_mode
          @wire.flush
          each_result { |result| form.rows(result).each(&block).size }
        end
      end

      # @return [Integer] rows
      def copy_to(sql, decoder)
        operate do
          binary = begin_copy(sql, ::PG::PGRES_COPY_OUT)
          until (row = @wire.pg.sync_get_copy_data(true, decoder)).nil?
            row ? yield(row) : @wire.read
          end
          # The decoder took the binary format's own end for the end.
          @wire.read while decoder && binary && @wire.pg.sync_get_copy_data(true) == false
          @wire.last_result.cmd_tuples
        end
      end

      # @return [Integer] rows
      def copy_from(sql, encoder, block)
        operate do
          begin_copy(sql, ::PG::PGRES_COPY_IN)
          block.call(CopyIn.new(@wire, encoder))
          @wire.flush until @wire.pg.sync_put_copy_end
          @wire.last_result.cmd_tuples
        end
      end

      private

      # Until the end of the command, also after an error: then nothing needs to be cancelled.
      def each_result
        count = 0
        failed = nil
        while (result = @wire.next_result)
          case result.result_status
          when *ROWS then count += yield(result)
          when ::PG::PGRES_TUPLES_OK, ::PG::PGRES_COMMAND_OK then result.clear
          else failed = result
          end
        end
        failed&.check
        @wire.heard = Polyphony.now
        count
      end

      # @return [Boolean] whether in binary format
      def begin_copy(sql, direction)
        @wire.pg.send_query(sql)
        @wire.flush
        result = @wire.next_result
        result&.check
        return result.binary_tuples == 1 if result&.result_status == direction

        raise ::ArgumentError, "not a COPY #{direction == ::PG::PGRES_COPY_IN ? 'FROM STDIN' : 'TO STDOUT'}: #{sql}"
      end
    end
    private_constant :Streams
  end
end
