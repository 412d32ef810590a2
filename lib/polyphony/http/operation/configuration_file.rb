# frozen_string_literal: true

require_relative 'settings'

module Polyphony
  module HTTP
    module Operation
      # Reads a configuration file. It is Ruby, and sees what a program sees; each setting is a method.
      class ConfigurationFile
        NAMES = (Settings::DEFAULTS.keys - %i[access_log_format]).freeze

        # As the top level of a program: its constants are found, and not ours.
        EVALUATE = ::TOPLEVEL_BINDING.eval('->(reader, text, path) { reader.instance_eval(text, path, 1) }')
        private_constant :NAMES, :EVALUATE

        # @param path [String]
        # @return [Hash{Symbol => Object}] the settings that it makes
        # @raise [Polyphony::Error] with file and line, for whatever is wrong in it
        def self.read(path)
          reader = new
          EVALUATE.call(reader, ::File.read(path), path)
          reader.instance_variable_get(:@values)
        rescue ::SyntaxError => e
          raise Error, e.message
        rescue ::SystemCallError => e
          raise Error, "the configuration cannot be read: #{e.message}"
        rescue ::StandardError, ::ScriptError => e
          raise Error, "#{place(e, path)}: #{e.is_a?(Error) ? e.message : "#{e.message} (#{e.class})"}"
        end

        def self.place(error, path)
          line = error.backtrace_locations&.find { |location| location.path == path }&.lineno
          line ? "#{path}:#{line}" : path
        end
        private_class_method :place

        def initialize
          @values = {}
        end

        # @param texts [Array<String>] where to listen
        def bind(*texts) = set(:bind, texts.flatten)

        # @param options [Hash] see {TLS#initialize}
        def tls(**options) = set(:tls, options)

        # @param limits [Hash{Symbol => Numeric, nil}] see {Limits}
        def limits(**limits) = set(:limits, { **@values.fetch(:limits, {}), **limits })

        # @param target [String, Symbol, false] a file, :stdout, or false for none
        # @param format [Symbol] :common or :json
        def access_log(target = :stdout, format: :common)
          set(:access_log_format, format)
          set(:access_log, target)
        end

        # @param value [Boolean]
        def preload(value = true) = set(:preload, value)

        %i[app workers grace worker_timeout boot_timeout pid_file].each do |name|
          define_method(name) { |value| set(name, value) }
        end

        %i[on_worker_start on_worker_stop].each do |name|
          define_method(name) { |&block| set(name, block || (raise Error, "#{name} needs a block")) }
        end

        private

        def set(name, value)
          @values[name] = Settings.check(name, value)
        end

        def method_missing(name, *arguments, &block)
          return super if arguments.empty? && block.nil? && name.end_with?('?')

          near = ::DidYouMean::SpellChecker.new(dictionary: NAMES).correct(name) if defined?(::DidYouMean::SpellChecker)
          hint = near&.any? ? "did you mean #{near.first}? " : ''
          raise Error, "no setting is named #{name}: #{hint}There are: #{NAMES.join(', ')}"
        end

        def respond_to_missing?(*) = false
      end
    end
  end
end
