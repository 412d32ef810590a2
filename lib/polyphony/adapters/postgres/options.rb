# frozen_string_literal: true

module Polyphony
  class Postgres
    # What {Postgres#initialize} was given: our own options, checked, and libpq's. @api private
    class Options
      DEFAULTS = { size: 10, timeout: 5, connect_timeout: 10, reconnect: 30, idle_check: 30, max_lifetime: 1800,
                   max_idle: nil, cleanup_timeout: 5, statement_timeout: nil, settings: nil, statement_cache: 256,
                   results: :result, types: false, pipeline: false }.freeze
      TIMES = %i[connect_timeout reconnect idle_check cleanup_timeout].freeze
      LIMITS = %i[timeout max_lifetime max_idle statement_timeout].freeze # nil: none
      FORMS = %i[result hashes symbols values].freeze

      # @return [Hash{Symbol => String}] for libpq
      attr_reader :conninfo

      DEFAULTS.each_key { |name| define_method(name) { @given[name] } }

      # @param target [String, URI, Hash, nil]
      # @param options [Hash]
      # @raise [ArgumentError, TypeError]
      def initialize(target, options)
        pairs = parse(target).merge(options)
        @given = DEFAULTS.merge(pairs.slice(*DEFAULTS.keys))
        @conninfo = known(pairs.except(*DEFAULTS.keys))
        number_from_url
        check
        name_session
        for_libpq
      end

      # @return [String] where it connects to, without the password
      def place
        host = @conninfo.values_at(:host, :hostaddr).compact.first || ::ENV['PGHOST'] || 'local'
        port = @conninfo.fetch(:port, ::ENV['PGPORT'])
        name = @conninfo.fetch(:dbname, ::ENV['PGDATABASE'])
        [host, (":#{port}" if port), ("/#{name}" if name)].join
      end

      # @param form [Symbol]
      # @return [Symbol]
      # @raise [ArgumentError]
      def self.form(form)
        return form if FORMS.include?(form)

        raise ::ArgumentError, "results come as one of #{FORMS.inspect}, not #{form.inspect}"
      end

      private

      def parse(target)
        case target
        when nil then {}
        when ::Hash then target.transform_keys(&:to_sym)
        else
          text = target.to_s
          unless text.match?(%r{=|\Apostgres(ql)?://})
            raise ::ArgumentError, 'the database is named by a URL ("postgres://user@host/name"), by libpq\'s words ' \
                                   "(\"host=… dbname=…\") or by a Hash of these, not #{target.inspect}"
          end
          ::PG::Connection.conninfo_parse(text).to_h { |pair| [pair[:keyword].to_sym, pair[:val]] }.compact
        end
      rescue ::PG::Error => e
        raise ::ArgumentError, "the database's address cannot be read: #{e.message.strip}"
      end

      def known(given)
        pairs = given.transform_keys { |key| { database: :dbname, username: :user }.fetch(key, key) }
        words = ::PG::Connection.conndefaults.map { |pair| pair[:keyword].to_sym }
        unknown = pairs.keys - words
        return pairs.compact.transform_values(&:to_s) if unknown.empty?

        raise ::ArgumentError, "unknown option #{unknown.map(&:inspect).join(', ')}. There are " \
                               "#{DEFAULTS.keys.join(', ')}, and libpq's: host, port, dbname, user, password, sslmode …"
      end

      # A URL has text where we want a number.
      def number_from_url
        text = @given[:connect_timeout]
        @given[:connect_timeout] = ::Kernel.Float(text) if text.is_a?(::String)
      end

      def check
        Polyphony.count(size, 'size')
        TIMES.each { |name| Polyphony.duration(@given[name], name.to_s) }
        LIMITS.each { |name| Polyphony.duration(@given[name], name.to_s) if @given[name] }
        check_session
        self.class.form(results)
      end

      def check_session
        unless statement_cache.is_a?(::Integer) && !statement_cache.negative?
          raise ::ArgumentError, 'statement_cache is how many statements a connection keeps, 0 for none, not ' +
                                 statement_cache.inspect
        end
        unless settings.nil? || settings.is_a?(::Hash)
          raise ::TypeError, "settings is a Hash of the server's parameters, not #{settings.inspect}"
        end
      end

      def for_libpq
        @conninfo[:connect_timeout] = [connect_timeout.ceil, 2].max.to_s # of what cancels
        @conninfo[:options] = [@conninfo[:options], *switches].compact.join(' ') unless switches.empty?
        @conninfo[:fallback_application_name] ||= ::File.basename($PROGRAM_NAME)[0, 60]
        @conninfo.freeze
      end

      # libpq sends a name of its own, which would win.
      def name_session
        @given[:settings] = settings.to_h.transform_keys(&:to_s)
        name = settings.delete('application_name')
        @conninfo[:application_name] ||= name if name
      end

      # Given with the start of the session, so that they cost no round trip and survive RESET.
      def switches
        all = settings
        all = { 'statement_timeout' => "#{(statement_timeout * 1000).ceil}ms" }.merge(all) if statement_timeout
        all.map { |name, value| "-c #{name}=#{value.to_s.gsub(/[\\ ]/) { |char| "\\#{char}" }}" }
      end
    end
    private_constant :Options
  end
end
