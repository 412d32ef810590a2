# frozen_string_literal: true

require 'socket'
require 'uri'

module Support
  # The MariaDB that bin/test has started, and tables of an example's own.
  module MySQL
    URL = ENV.fetch('MYSQL_URL', nil)

    def self.included(group)
      group.before { URL || (ENV['CI'] ? raise('MYSQL_URL is not set: run bin/test') : skip('bin/test starts the MariaDB for this')) }
      group.let(:db) { open_database }
      group.after { @open&.each(&:close) }
    end

    def open_database(server = URL, **options)
      Polyphony::Trilogy.new(server, **options).tap { |opened| (@open ||= []) << opened }
    end

    # A table with the columns +columns+, emptied.
    def table(name, columns)
      db.query("drop table if exists #{name}")
      db.query("create table #{name} (#{columns}) engine = innodb")
    end

    # What the server is doing for other connections than the asking one.
    def running(sql)
      db.value('select count(*) from information_schema.processlist where info like ? and id != connection_id()', "#{sql}%")
    end

    # Between the client and the server: passes bytes on, until it is told to stall, or to break what there is.
    class Proxy
      attr_reader :port

      def initialize(url)
        uri = URI.parse(url)
        @target = [uri.host, uri.port]
        @pairs = []
        listen(0)
      end

      def url = URI.parse(URL).tap { |uri| uri.port = port }.to_s

      # Refuses new connections, and breaks the old ones.
      def break
        @acceptor.stop
        @server.close
        @pairs.each { |pair| pair.each(&:stop) }
        @pairs.clear
      end

      def restart = listen(@port)

      # Bytes wait from now on.
      def stall = @stalled = true

      private

      def listen(port)
        @stalled = false
        @server = TCPServer.new('127.0.0.1', port)
        @port = @server.addr[1]
        @acceptor = Polyphony.spin { loop { serve(@server.accept) } }
      end

      def serve(client)
        server = TCPSocket.new(*@target)
        @pairs << [[client, server], [server, client]].map { |from, to| Polyphony.spin { pass(from, to) } }
      end

      def pass(from, to)
        loop do
          bytes = from.readpartial(16_384)
          sleep if @stalled
          to.write(bytes)
        end
      rescue SystemCallError, IOError
        nil
      ensure
        [from, to].each { |io| io.close unless io.closed? }
      end
    end
  end
end
