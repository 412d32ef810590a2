# frozen_string_literal: true

module Polyphony
  class Postgres
    # Makes connections: looks up names, tries address after address, each for a limited time, and all of them again
    # while the server is away. @api private
    class Connector
      SOCKET_FOLDERS = %w[/var/run/postgresql /run/postgresql /tmp].freeze
      LONGEST_PAUSE = 2 # seconds between two tries

      # @param options [Options]
      def initialize(options)
        @options = options
        @connected = false
      end

      # @param patience [Numeric] seconds to go on trying, if it has ever been connected
      # @return [PG::Connection] in libpq's non-blocking mode
      # @raise [ConnectionFailed]
      # @suspends until it is there
      def connect(patience = @options.reconnect)
        tries = 0
        begin
          connection = try
          @connected = true
          connection
        rescue ::PG::Error => e
          deadline ||= Polyphony.now + patience
          pause = pause_after(tries += 1)
          raise Hints.explain(e, @options.place) unless again?(e) && Polyphony.now + pause < deadline

          Polyphony.backend.sleep(pause)
          retry
        end
      end

      private

      # Who had never a connection has most likely the wrong address: no reason to wait.
      def again?(error)
        Hints.starting?(error) || (@connected && Hints.passing?(error))
      end

      # Each time longer, and random, so that all who lost their connection do not come at once.
      def pause_after(tries)
        [0.05 * (2**[tries - 1, 10].min), LONGEST_PAUSE].min * (0.5 + ::Random.rand)
      end

      def try
        errors = []
        places.each do |place|
          return make(@options.conninfo.merge(place))
        rescue ::PG::Error => e
          errors << e
        end
        raise errors.first if errors.size == 1

        raise ::PG::ConnectionBad, errors.map { |error| error.message.b.strip }.uniq.join("\n")
      end

      # @return [Array<Hash>] what to try, in order
      def places
        return addresses unless @options.conninfo[:target_session_attrs] == 'prefer-standby'

        all = addresses
        %w[standby any].flat_map { |kind| all.map { |address| address.merge(target_session_attrs: kind) } }
      end

      # libpq would block while it resolves names.
      def addresses
        given = with_defaults
        return [{}] if given[:hostaddr] || (given[:service] && !@options.conninfo[:host])

        ports = given[:port].to_s.split(',', -1)
        all = hosts(given).each_with_index.flat_map { |host, i| at(host, ports.size > 1 ? ports[i] : ports.first) }
        given[:load_balance_hosts] == 'random' ? all.shuffle : all
      end

      def with_defaults
        defaults = ::PG::Connection.conndefaults.to_h { |pair| [pair[:keyword].to_sym, pair[:val]] }
        defaults.slice(:host, :hostaddr, :port).compact.merge(@options.conninfo)
      end

      def hosts(given)
        hosts = given[:host].to_s.split(',', -1)
        return hosts unless hosts.all?(&:empty?)

        folders = SOCKET_FOLDERS.select { |folder| ::File.exist?("#{folder}/.s.PGSQL.#{given[:port]}") }
        folders.empty? ? SOCKET_FOLDERS.first(1) : folders.first(1)
      end

      def at(host, port)
        place = { host: host, port: port }.compact
        return [place] if host.empty? || host.start_with?('/', '@')

        found = Scheduler.install.address_resolve(host.delete_suffix(']').delete_prefix('['))
        raise ::PG::ConnectionBad, "could not resolve host name \"#{host}\"" if found.empty?

        found.map { |address| place.merge(hostaddr: address) }
      end

      def make(conninfo)
        connection = ::PG::Connection.connect_start(conninfo)
        poll(connection, Polyphony.now + @options.connect_timeout)
        raise ::PG::ConnectionBad, connection.error_message unless connection.status == ::PG::CONNECTION_OK

        # So that no call of libpq waits; Wire does.
        connection.sync_setnonblocking(true)
        connection.set_default_encoding
        connection.type_map_for_queries = Parameters::MAP
        done = connection
      ensure
        connection&.finish unless done
      end

      def poll(connection, deadline)
        step = connection.status == ::PG::CONNECTION_BAD ? ::PG::PGRES_POLLING_FAILED : ::PG::PGRES_POLLING_WRITING
        until [::PG::PGRES_POLLING_OK, ::PG::PGRES_POLLING_FAILED].include?(step)
          events = step == ::PG::PGRES_POLLING_READING ? ::IO::READABLE : ::IO::WRITABLE
          left = deadline - Polyphony.now
          unless left.positive? && Scheduler.install.io_wait(connection.socket_io, events, left)
            raise ::PG::ConnectionBad, "no answer within #{@options.connect_timeout} s"
          end

          step = connection.connect_poll
        end
      end
    end
    private_constant :Connector
  end
end
