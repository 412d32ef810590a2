# frozen_string_literal: true

module Polyphony
  module HTTP
    # Accepts connections on one socket, a fiber for each of them. Short of descriptors or memory it waits
    # and tries again; at the limit of connections it leaves new ones in the listen queue.
    #
    # @api private
    class Listener
      # What the system has too little of just now.
      SHORTAGES = [::Errno::EMFILE, ::Errno::ENFILE, ::Errno::ENOBUFS, ::Errno::ENOMEM].freeze
      # Seconds between two tries, at first.
      PAUSE = 0.02
      # Seconds between two tries, at most.
      MAX_PAUSE = 1
      # Seconds without a shortage, after which the next one is worth a line in the log again.
      CALM = 10

      # @return [TCPServer, UNIXServer]
      attr_reader :socket
      # @return [Bind]
      attr_reader :bind

      # @param server [Server]
      # @param bind [Bind]
      # @param socket [TCPServer, UNIXServer] bound and listening
      def initialize(server, bind, socket)
        @server = server
        @bind = bind
        @socket = socket
        @tcp = socket.is_a?(::TCPServer)
        @pause = PAUSE
        @last_shortage = -::Float::INFINITY
        @address = @tcp ? tcp_address : "unix://#{socket.path}"
      end

      # @return [String] as `http://127.0.0.1:9292`
      attr_reader :address

      # Accepts until {#close}.
      #
      # @yieldparam socket [TCPSocket, UNIXSocket] a new connection
      # @suspends until then
      def run(&block)
        @block = block
        until @socket.closed?
          begin
            Polyphony.backend.accept_loop(@socket) { |client| accepted(client) }
          rescue *SHORTAGES => e
            wait_for_resources(e)
          rescue ::IOError, ::Errno::EBADF
            raise unless @socket.closed?
          end
        end
      end

      # A connection that was accepted could not be given a fiber.
      #
      # @param error [Exception] FiberError or NoMemoryError
      # @return [void]
      # @suspends no
      def out_of_fibers(error)
        @shortage = error
      end

      # Takes those who have connected already, then closes.
      #
      # @return [void]
      # @suspends no
      def finish
        while @block && (client = @socket.accept_nonblock(exception: false)).is_a?(::BasicSocket)
          @block.call(client)
        end
      rescue ::SystemCallError, ::IOError
        nil # it is closed already, or there are no descriptors left
      ensure
        close
      end

      # @return [void]
      # @suspends no
      def close
        @socket.close unless @socket.closed?
      end

      private

      def tcp_address = "#{@bind.tls? ? 'https' : 'http'}://#{@socket.local_address.inspect_sockaddr}"

      def accepted(client)
        @pause = PAUSE
        client.setsockopt(::Socket::IPPROTO_TCP, ::Socket::TCP_NODELAY, 1) if @tcp
        @block.call(client)
        @server.wait_for_room
        wait_for_resources(@shortage) if @shortage
      rescue ::SystemCallError => e # it is gone already
        client.close
        raise if SHORTAGES.include?(e.class)
      end

      # Tries that fail one after another are one episode: a line for each would fill the disk as well.
      def wait_for_resources(error)
        @shortage = nil
        now = Polyphony.now
        if now - @last_shortage > CALM
          @server.log.warn("accept on #{address}: #{error.message}. New connections wait until there is more")
        end
        @last_shortage = now
        Scheduler.current.kernel_sleep(@pause)
        @pause = [@pause * 2, MAX_PAUSE].min
      end
    end
  end
end
