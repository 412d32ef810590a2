# frozen_string_literal: true

require 'etc'

module Polyphony
  module HTTP
    module Operation
      # The settings of a configuration, and what each may be.
      module Settings
        # Name => default.
        DEFAULTS = { app: nil, bind: nil, tls: nil, workers: nil, preload: false, limits: {}.freeze, access_log: nil,
                     access_log_format: :common, grace: 30, worker_timeout: 60, boot_timeout: 120, pid_file: nil,
                     on_worker_start: nil, on_worker_stop: nil }.freeze

        # Those that may be none.
        OPTIONAL = %i[app tls workers access_log worker_timeout boot_timeout pid_file
                      on_worker_start on_worker_stop].freeze

        class << self
          # @param name [Symbol] of a setting
          # @param value [Object]
          # @return [Object] the value, in its usual shape
          # @raise [Polyphony::Error] when it may not be that
          def check(name, value)
            return value if value.nil? && OPTIONAL.include?(name)

            send(name, value)
          rescue ::ArgumentError, ::TypeError => e
            raise Error, e.message
          end

          private

          def app(value) = text(:app, value, 'a file, config.ru or app.rb')

          def bind(value)
            [*value].flatten.each do |text|
              refuse(:bind, text, 'a place to listen at, as "http://0.0.0.0:9292"') unless text.is_a?(::String)
              Bind.parse(text)
            end
          end

          def tls(value)
            refuse(:tls, value, 'options, as cert: "cert.pem", key: "key.pem"') unless value.is_a?(::Hash)
            unknown = value.keys - TLS_OPTIONS
            return value if unknown.empty?

            raise Error, "no TLS option named #{unknown.join(', ')}; there are: #{TLS_OPTIONS.join(', ')}"
          end

          def workers(value)
            return ::Etc.nprocessors if [:auto, 'auto'].include?(value)

            number = value.is_a?(::String) ? Integer(value, 10, exception: false) : value
            return number if number.is_a?(::Integer) && number.between?(0, 1024)

            refuse(:workers, value, 'a number from 0 to 1024, or auto')
          end

          def preload(value)
            [true, false].include?(value) ? value : refuse(:preload, value, 'true or false')
          end

          def limits(value)
            Limits.new(**value)
            value
          end

          def access_log(value)
            return if [false, :off].include?(value)
            return value if value == :stdout

            path = text(:access_log, value, 'a file, :stdout or false')
            refuse(:access_log, value, 'a file for lines, and not a program') if path.end_with?('.ru', '.rb')
            path
          end

          def access_log_format(value)
            return value if AccessLog::FORMATS.include?(value)

            refuse(:access_log, value, 'of the format :common or :json')
          end

          def grace(value) = seconds(:grace, value, 0)

          def worker_timeout(value) = seconds(:worker_timeout, value, 3)

          def boot_timeout(value) = seconds(:boot_timeout, value, 1)

          def pid_file(value) = text(:pid_file, value, 'a file')

          def on_worker_start(value) = hook(:on_worker_start, value)

          def on_worker_stop(value) = hook(:on_worker_stop, value)

          def text(name, value, what)
            value = value.to_path if value.respond_to?(:to_path)
            value.is_a?(::String) && !value.empty? ? value : refuse(name, value, what)
          end

          def seconds(name, value, least)
            return value if (value.is_a?(::Integer) || value.is_a?(::Float)) && value >= least && value.finite?

            refuse(name, value, "a number of seconds, at least #{least}")
          end

          def hook(name, value)
            value.respond_to?(:call) ? value : refuse(name, value, 'a block')
          end

          def refuse(name, value, what)
            raise Error, "#{name} must be #{what}, not #{value.inspect}"
          end
        end

        TLS_OPTIONS = %i[cert key certificates ca verify_client min_version ciphers configure].freeze
        private_constant :TLS_OPTIONS
      end
    end
  end
end
