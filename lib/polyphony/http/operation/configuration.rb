# frozen_string_literal: true

require_relative 'notify'
require_relative 'settings'
require_relative 'configuration_file'

module Polyphony
  module HTTP
    module Operation
      # How a server is to be run: defaults, then the environment, then the configuration file, then the
      # command line. The file is Ruby; each line names a setting:
      #
      #   bind 'http://0.0.0.0:80', 'https://0.0.0.0:443'
      #   tls cert: 'cert.pem', key: 'key.pem'
      #   workers 4
      #   limits body_bytes: 10 << 20, header_timeout: 5
      #   access_log 'log/access.log', format: :json
      #   on_worker_start { |index| MyApp.connect }
      class Configuration
        # The file that is read if it is there.
        DEFAULT_FILE = 'config/polyphony.rb'

        Settings::DEFAULTS.each_key { |name| define_method(name) { @values[name] } }

        # @param file [String, nil] nil: {DEFAULT_FILE}, if there is one
        # @param options [Hash{Symbol => Object}] settings of the command line
        # @raise [Polyphony::Error] for a file that is not there, a setting that is none, or a value that it
        #   cannot have; with the line, for what is in the file
        def initialize(file: nil, options: {})
          unknown = options.keys - Settings::DEFAULTS.keys
          raise Error, "no setting is named #{unknown.join(', ')}" if unknown.any?
          raise Error, "no such configuration file: #{file}" if file && !::File.file?(file)

          @file = file
          @options = options
          @values = complete(from_environment, from_file, from_options).freeze
        end

        # @return [Configuration] with everything read again
        # @raise [Polyphony::Error] as {#initialize}
        def again
          self.class.new(file: @file, options: @options)
        end

        # @return [Integer]
        def workers = @values[:workers] || 1

        # @return [Array<String>] sockets that systemd has passed and nobody asks for
        def unused_sockets
          Notify.passed.reject { |text| bind.include?(text) || bind.include?(text.sub('://', '+tls://')) }
        end

        # @return [String]
        def inspect = "#<#{self.class} #{@file} #{bind.join(' ')} workers=#{workers}>"

        private

        def from_environment
          workers = present('WEB_CONCURRENCY')
          port = present('PORT')
          passed = Notify.passed
          bind = passed.empty? ? port && "http://0.0.0.0:#{port_number(port)}" : passed
          { workers: workers && named('WEB_CONCURRENCY') { Settings.check(:workers, workers) }, bind: bind }.compact
        end

        def from_file
          file = @file || DEFAULT_FILE
          ::File.file?(file) ? ConfigurationFile.read(file) : {}
        end

        def from_options
          @options.to_h { |name, value| [name, Settings.check(name, value)] }
        end

        # Limits of several places are put together, name by name.
        def complete(*sources)
          values = Settings::DEFAULTS.merge(*sources)
          values[:limits] = sources.filter_map { |source| source[:limits] }.reduce({}, :merge).freeze
          values[:bind] = [*values[:bind]]
          values[:bind] = [Server::DEFAULT_BIND] if values[:bind].empty?
          return values if values[:tls] || values[:bind].none? { |text| Bind.parse(text).tls? }

          raise Error, 'https:// needs a certificate: --cert FILE --key FILE, or in the configuration file: ' \
                       "tls cert: 'cert.pem', key: 'key.pem'"
        end

        def present(name)
          value = ENV.fetch(name, '')
          value unless value.empty?
        end

        def port_number(text)
          number = Integer(text, 10, exception: false)
          return number if number&.between?(0, 65_535)

          raise Error, "PORT in the environment must be a number from 0 to 65535, not #{text.inspect}"
        end

        def named(name)
          yield
        rescue Error => e
          raise Error, "#{name} in the environment: #{e.message}"
        end
      end
    end
  end
end
