# frozen_string_literal: true

require_relative 'outbox/writing'

module Polyphony
  module HTTP
    class WebSocket
      # Frames on their way out. Who sends puts a frame in and goes on; what has gathered goes out with one write
      # when the fibers that are ready have run (see Hub), or when the receiving fiber is about to wait. A client
      # that takes no more gets a fiber that waits for it, until everything is out: an interruption of who sends
      # never leaves half a frame on the wire.
      # @api private
      class Outbox
        include Writing

        # @return [Integer] that are not with the kernel yet
        attr_reader :bytes
        # @return [Integer] how often some of them went out
        attr_reader :progress

        # @param link [Link::Socket, Link::TLS, Link::Stream]
        # @param hub [Hub]
        # @param limit [Integer] bytes, for {#full?}
        def initialize(link, hub, limit)
          @link = link
          @hub = hub
          @limit = limit
          @queue = []
          @bytes = @progress = 0
        end

        # @param frame [String]
        # @suspends no
        def push(frame)
          return if @broken

          @queue << frame
          @bytes += frame.bytesize
          return if @due || @writer

          @due = true
          @hub.flush_soon(self)
        end

        # As {#push}, without putting off what can be written now.
        # @param frame [String]
        # @suspends no
        def put(frame)
          return push(frame) if @writer || @broken || !@queue.empty?

          rest = @link.try_write(frame) or return
          @queue << rest
          @bytes += rest.bytesize
          start_writer
        rescue Disconnected, *Transport.gone
          break_off
        end

        # @param size [Integer] of what would be added
        # @return [Boolean] whether more waits than may
        def full?(size = 0) = @bytes + size > @limit

        # @return [Boolean] whether nothing goes out any more
        def broken? = @broken ? true : false

        # Writes what can be written without waiting.
        # @suspends no
        def flush
          @due = false
          return if @queue.empty? || @writer

          write_at_once if @bytes <= JOINED
          start_writer unless @queue.empty? || @broken
        rescue Disconnected, *Transport.gone
          break_off
        end

        # @suspends while more waits than may
        # @raise [Closed] when nothing goes out any more
        def wait_for_room
          wait_until { @bytes <= @limit }
        end

        # @suspends until all has gone out, or nothing does any more
        def drain
          flush
          wait_until { @bytes.zero? }
        rescue Closed
          nil
        end

        # Nothing more goes out.
        def break_off
          return if @broken

          @broken = true
          @queue.clear
          @bytes = 0
          wake
        end

        # The end: stops who writes.
        # @suspends until then
        def abandon
          break_off
          @writer&.stop
        end

        private

        def wake
          @waiting&.each(&:wake)
        end

        def wait_until
          return if yield

          (@waiting ||= []) << (life = Lifecycle.current)
          until yield
            raise Closed if @broken

            Scheduler.park(:'room to send in')
          end
        ensure
          @waiting&.delete(life) if life
        end
      end
      private_constant :Outbox
    end
  end
end
