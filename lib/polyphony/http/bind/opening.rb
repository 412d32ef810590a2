# frozen_string_literal: true

module Polyphony
  module HTTP
    class Bind
      # How the sockets come about: TCP's, a UNIX one, or one that was inherited.
      # @api private
      module Opening
        private

        def open_tcp(reuse_port)
          addresses = ::Addrinfo.getaddrinfo(@host, @port, nil, :STREAM, nil, ::Socket::AI_PASSIVE)
          port = @port
          addresses.map do |address|
            server = listen(address, port, reuse_port)
            port = server.local_address.ip_port # 0 was for any: the same one for all addresses
            server
          end
        end

        def listen(address, port, reuse_port)
          socket = ::Socket.new(address.pfamily, ::Socket::SOCK_STREAM, 0)
          socket.setsockopt(:SOCKET, :REUSEADDR, true)
          socket.setsockopt(:SOCKET, :REUSEPORT, true) if reuse_port
          socket.setsockopt(:IPV6, :V6ONLY, true) if address.ipv6?
          socket.bind(::Addrinfo.tcp(address.ip_address, port))
          socket.listen(BACKLOG)
          adopt(::TCPServer, socket)
        rescue ::SystemCallError => e
          socket&.close
          raise e.class, "cannot listen at #{@text}#{advice(e)}"
        end

        def advice(error)
          case error
          when ::Errno::EADDRINUSE then ': another program does (`ss -ltnp` says which)'
          when ::Errno::EACCES
            ': ports below 1024 are for root. Take a higher one, let systemd open it (see docs/deploying.md), or give ' \
            'ruby the capability cap_net_bind_service'
          when ::Errno::EADDRNOTAVAIL then ': this machine does not have that address'
          end
        end

        # The same descriptor as an object of the class that the backend knows how to accept from.
        def adopt(klass, socket)
          socket.autoclose = false
          klass.for_fd(socket.fileno)
        end

        # A file left by a server that is gone is replaced; one that somebody listens at is not.
        def open_unix
          ::File.unlink(@path) if ::File.socket?(@path) && !answers?
          server = ::UNIXServer.new(@path)
          ::File.chmod(@mode, @path) if @mode
          @created = mark
          server.listen(BACKLOG)
          server
        rescue ::SystemCallError => e
          server&.close
          raise e.class, "cannot listen at #{@text}#{': another program does, or a file is there' if e.is_a?(::Errno::EADDRINUSE)}"
        end

        def mark
          stat = ::File.lstat(@path)
          [stat.dev, stat.ino, ::Process.pid]
        end

        def answers?
          ::UNIXSocket.new(@path).close
          true
        rescue ::Errno::ECONNREFUSED, ::Errno::ENOENT
          false
        rescue ::SystemCallError
          true # it has no room for us, or we may not connect: somebody is there
        end

        def open_inherited
          socket = ::Socket.for_fd(@path.to_i)
          socket.close_on_exec = true
          unless socket.getsockopt(:SOCKET, :ACCEPTCONN).bool
            socket.autoclose = false
            raise ::Errno::EINVAL, 'it does not listen'
          end
          adopt(socket.local_address.unix? ? ::UNIXServer : ::TCPServer, socket)
        rescue ::SystemCallError => e
          raise e.class, "cannot listen at #{@text}: descriptor #{@path} is no listening socket"
        end
      end
      private_constant :Opening
    end
  end
end
