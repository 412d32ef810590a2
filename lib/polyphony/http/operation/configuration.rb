# frozen_string_literal: true

require 'etc'
require_relative 'notify'

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
        # Name => default.
        SETTINGS = { app: nil, bind: nil, tls: nil, workers: nil, limits: {}, access_log: nil, access_log_format: :common,
                     grace: 30, worker_timeout: 60, pid_file: nil, on_worker_start: nil, on_worker_stop: nil,
                     preload: false }.freeze

        # The file that is read if it is there.
        DEFAULT_FILE = 'config/polyphony.rb'

        # @param file [String, nil] nil: {DEFAULT_FILE}, if there is one
        # @param options [Hash{Symbol => Object}] settings of the command line
        # @raise [Polyphony::Error] for a file that is not there, or a setting that is none
        def initialize(file: nil, options: {})
          raise Error, "no such configuration file: #{file}" if file && !::File.file?(file)

          @file = file || (DEFAULT_FILE if ::File.file?(DEFAULT_FILE))
          @options = options
          reload
        end

        # Reads the file again.
        #
        # @return [self]
        # @raise [Exception] what the file fails with; then nothing changes
        def reload
          values = SETTINGS.merge(from_environment)
          values = Reader.new(values).read(@file) if @file
          @options.each { |name, value| values[name] = name == :limits ? { **values[:limits], **value } : value }
          values[:bind] = [*values[:bind]]
          values[:bind] = [Server::DEFAULT_BIND] if values[:bind].empty?
          check(values)
          @values = values.freeze
          self
        end

        SETTINGS.each_key { |name| define_method(name) { @values[name] } }

        # @return [Integer]
        def workers = @values[:workers] || 1

        private

        def from_environment
          workers = ENV.fetch('WEB_CONCURRENCY', nil)
          inherited = Notify.inherited
          port = ENV.fetch('PORT', nil)
          { workers: workers && number(workers, 'WEB_CONCURRENCY'),
            bind: inherited.empty? ? (port && "http://0.0.0.0:#{port}") : inherited }.compact
        end

        def number(text, name)
          return ::Etc.nprocessors if text == 'auto'

          Integer(text, 10)
        rescue ::ArgumentError
          raise Error, "#{name} must be a number or auto, not #{text.inspect}"
        end

        def check(values)
          values[:bind].each { |text| Bind.parse(text) }
          Limits.new(**values[:limits])
          workers = values[:workers]
          return if workers.nil? || (workers.is_a?(::Integer) && !workers.negative?)

          raise Error, "workers must be a number from 0, not #{workers.inspect}"
        rescue ::ArgumentError, ::TypeError => e
          raise Error, e.message
        end

        # What the file is evaluated in: a method for each setting.
        class Reader < ::BasicObject
          # @param values [Hash]
          def initialize(values)
            @values = values.dup
          end

          # @param file [String]
          # @return [Hash]
          def read(file)
            instance_eval(::File.read(file), file, 1)
            @values
          end

          # @param texts [Array<String>] where to listen
          def bind(*texts)
            @values[:bind] = texts.flatten
          end

          # @param options [Hash] see {TLS#initialize}
          def tls(**options)
            @values[:tls] = options
          end

          # @param limits [Hash{Symbol => Numeric, nil}] see {Limits}
          def limits(**limits)
            @values[:limits] = { **@values[:limits], **limits }
          end

          # @param target [String, Symbol] a file, or :stdout
          # @param format [Symbol] :common or :json
          def access_log(target = :stdout, format: :common)
            @values[:access_log] = target
            @values[:access_log_format] = format
          end

          %i[app workers grace worker_timeout pid_file preload].each do |name|
            define_method(name) { |value| @values[name] = value }
          end

          %i[on_worker_start on_worker_stop].each do |name|
            define_method(name) { |&block| @values[name] = block }
          end

          private

          def method_missing(name, *)
            ::Kernel.raise Error, "no setting named #{name}; there are: #{SETTINGS.keys.join(', ')}"
          end

          def respond_to_missing?(*) = false
        end
        private_constant :Reader
      end
    end
  end
end
