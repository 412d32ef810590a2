# frozen_string_literal: true

module Polyphony
  class Postgres
    # The connection of a {Listener}: which channels the server should send, and does. One command is under way at a
    # time; whoever reads gets its answer. @api private
    module ListenerConnection
      private

      def forget_connection
        @wire = nil
        @listened = {}
        @asked = nil # what the command under way is for: channels to listen to, and not to; [] for a sign of life
        @generation += 1
      end

      def drop
        wire = @wire
        forget_connection
        wire&.drop
      end

      # One wait of the fiber that reads.
      def step
        return connect unless @wire

        read(@wire)
      end

      def read(wire)
        come = wire.read(@options.idle_check)
        return unless wire.equal?(@wire)

        come ? take : look_alive
      rescue ::PG::Error, ::SystemCallError, ::IOError => e
        return unless wire.equal?(@wire)

        refused?(e) ? refuse(e) : lose
      end

      # A standby, or one without the right: to try again would not help.
      def refused?(error) = error.is_a?(::PG::ServerError) && !@wire.fatal?(error)

      def refuse(error)
        drop
        end_all(error)
      end

      def connect
        # A server that takes connections and ends them is not asked again and again at once.
        Polyphony.backend.sleep([0.05 * (2**[@losses, 10].min), 2].min * ::Random.rand) if @losses > 1
        wire = Wire.new(@connector.connect(::Float::INFINITY), @options)
        wire.pg.set_notice_processor { nil } # the server's last words: its end is dealt with, not to be printed
        return wire.drop if @closed || @subscriptions.empty?

        @wire = wire
        @counters[:connects] += 1
        adjust
      end

      def lose
        drop
        @losses += 1
        @counters[:gaps] += 1
      end

      # Asks the server for what is wanted and not yet listened to.
      def adjust
        return if @wire.nil? || @asked

        missing = @wanted.keys.reject { |channel| @listened[channel] }
        needless = @listened.keys.reject { |channel| @wanted.key?(channel) }
        return if missing.empty? && needless.empty?

        send_command(missing, needless)
      end

      # Small enough for the socket to take it at once, or soon.
      def send_command(missing, needless)
        pg = @wire.pg
        pg.send_query([*missing.map { |name| "LISTEN #{pg.quote_ident(name)}" },
                       *needless.map { |name| "UNLISTEN #{pg.quote_ident(name)}" }].join(';'))
        pg.sync_flush
        @asked = [missing, needless]
        @asked_at = Polyphony.now
      rescue ::PG::Error
        lose # who reads makes another
      end

      # Nothing has come for a while: is anybody there?
      def look_alive
        if @asked
          lose if Polyphony.now - @asked_at >= @options.connect_timeout
        else
          send_command([], [])
        end
      end

      def take
        pg = @wire.pg
        pg.sync_flush
        until @asked.nil? || pg.is_busy
          result = pg.sync_get_result
          result ? result.check : answered
        end
        while (notification = pg.notifies)
          deliver(notification)
        end
        @turns.wake_all
      end

      def answered
        @losses = 0
        missing, needless = @asked
        @asked = nil
        missing.each { |channel| @listened[channel] = true }
        needless.each { |channel| @listened.delete(channel) }
        announce unless missing.empty?
        adjust
      end
    end
    private_constant :ListenerConnection
  end
end
