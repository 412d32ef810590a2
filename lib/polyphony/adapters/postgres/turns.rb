# frozen_string_literal: true

module Polyphony
  class Postgres
    # Several fibers of a thread wait for what comes over one connection. The one that came first reads, for all of
    # them; when it has what it waits for, the next does. So no fiber needs to be kept for reading, which would have to
    # be somebody's child. @api private
    class Turns
      # @param what [String] for `waiting_on`
      # @param owner [Object]
      # @yieldreturn [Object] waits for something to come, and gives it to whom it is for: see {#wake}
      def initialize(what, owner, &read)
        @reason = Reason.new(what, owner)
        @read = read
        @waiting = {}.compare_by_identity
        @reader = nil
      end

      # @return [Integer] fibers that wait
      def size = @waiting.size

      # Waits until the block gives something.
      #
      # @return [Object]
      # @raise [Exception] what reading raises, in the fiber that reads
      # @suspends until then
      def wait(life = Lifecycle.current)
        @waiting[life] = true
        until (value = yield)
          @reader ? Scheduler.park(@reason) : lead(life, &@read)
        end
        value
      ensure
        @waiting.delete(life)
        wake_next unless @reader
      end

      # @return [void]
      def wake_all = @waiting.each_key(&:wake)

      # @return [Boolean] whether a fiber reads
      def reader? = !@reader.nil?

      # Reads in another way, in a fiber that does not wait for an answer; if nobody reads.
      #
      # @return [void]
      # @suspends as its block does
      def read_by_the_way(&block)
        lead(Lifecycle.current, &block)
      ensure
        wake_next
      end

      private

      def lead(life)
        @reader = life
        yield
      ensure
        @reader = nil
      end

      def wake_next
        @waiting.first&.first&.wake unless @waiting.empty?
      end
    end
    private_constant :Turns
  end
end
