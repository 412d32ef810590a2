# frozen_string_literal: true

require_relative '../arrival'

module Polyphony
  module HTTP
    class Server
      # What becomes of a connection that a listener has accepted, and how many there may be.
      # @api private
      module Accepting
        # Called by listeners: waits while there are as many connections as may be.
        # @api private
        def wait_for_room
          most = @limits.connections
          return if most.nil? || @open < most

          say_full(most)
          (@waiting ||= []) << (life = Lifecycle.current)
          Scheduler.park(:'room for connections') while @open >= most
        ensure
          @waiting&.delete(life) if life
        end

        # Called when the fiber of a connection has ended, if it ever began.
        # @api private
        def left
          @open -= 1
          @waiting&.each(&:wake)
          @idle&.wake if @open.zero?
        end

        private

        # Seconds between two lines about it.
        FULL_EVERY = 60
        private_constant :FULL_EVERY

        def say_full(most)
          now = Polyphony.now
          return if @said_full && now - @said_full < FULL_EVERY

          @said_full = now
          @log.warn("#{most} connections are open, which is the limit: new ones wait")
        end

        def accepted(listener, socket)
          arrival = Arrival.new(self, @scope, listener, socket)
          fiber = @scope.spin(:connection) { serve(listener, arrival.begin) }
          @open += 1 # before the fiber runs: many can come at once
          arrival.watch(fiber)
        end

        def serve(listener, socket)
          transport = listener.bind.tls? ? secure(socket) : Transport::Plain.new(socket)
          return unless transport

          protocol = transport.tls && transport.tls.alpn_protocol == 'h2' ? HTTP2 : HTTP1
          preface = converse(protocol::Connection.new(self, transport)) { |connection| connection.run }
          converse(HTTP2::Connection.new(self, transport)) { |connection| connection.run(preface) } if preface
        rescue ::StandardError, ::NoMemoryError => e # one of ours: it must not end the server
          @log.failure(e, nil)
          socket.close
        end

        # @return [String, nil] the beginning of what was HTTP/2 in the ears of HTTP/1
        def converse(connection)
          @connections[connection] = true
          connection.drain if @draining
          yield connection
          connection.preface
        ensure
          @connections.delete(connection)
        end

        # The handshake; a client that does not get through it is no error of the server's.
        def secure(socket)
          ssl = @tls.accept(socket, @limits.tls_timeout)
          return Transport::TLS.new(ssl) if ssl

          @log.info("TLS handshake failed: not done within #{@limits.tls_timeout} s")
          nil
        rescue *Transport.gone => e
          @log.info("TLS handshake failed: #{e.message}")
          socket.close
          nil
        end
      end
      private_constant :Accepting
    end
  end
end
