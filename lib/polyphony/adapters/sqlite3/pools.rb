# frozen_string_literal: true

module Polyphony
  class SQLite3
    # Which connection a fiber gets.
    module Pools
      private

      # A database in memory is there for one connection only.
      def shared? = !@writer.nil? && @options.memory?

      def pool(limit, timeout, &allocator)
        ResourcePool.new(limit: limit, timeout: timeout, close: :close.to_proc, &allocator)
      end

      # Only a connection that writes can turn the file to WAL.
      def open_reader
        @writer&.fill!(1)
        Connection.new(@options, writes: false)
      end

      def writing(&block)
        held = @bound[Lifecycle.current]
        return yield(held) if held&.writes?

        refuse_to_write(held)
        bound(@writer, &block)
      end

      def reading(&block)
        held = @bound[Lifecycle.current]
        held ? yield(held) : bound(@readers, &block)
      end

      def refuse_to_write(held)
        raise ReadOnly, "#{@path} was opened with readonly: true" unless @writer
        raise ReadOnly, 'a snapshot is for reading: write outside of it, or use a transaction' if held&.transaction?
      end

      # @param pool [ResourcePool]
      def bound(pool)
        pool.acquire do |connection|
          life = Lifecycle.current
          before = @bound[life]
          @bound[life] = connection
          begin
            yield connection
          ensure
            before ? @bound[life] = before : @bound.delete(life)
            pool.discard! if connection.spoiled?
          end
        end
      end
    end
    private_constant :Pools
  end
end
