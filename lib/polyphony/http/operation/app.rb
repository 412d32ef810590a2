# frozen_string_literal: true

module Polyphony
  module HTTP
    module Operation
      # What is served: a Rack app in a `.ru` file, or a handler, the value of a `.rb` file.
      module App
        # Files that are looked for when none is named.
        DEFAULTS = %w[config.ru app.rb].freeze

        class << self
          # @param path [String, nil]
          # @return [String]
          # @raise [Polyphony::Error] when there is none
          def find(path)
            return path if path && ::File.file?(path)
            raise Error, "no such file: #{path}" if path

            DEFAULTS.find { |name| ::File.file?(name) } or
              raise Error, "nothing to serve: neither #{DEFAULTS.join(' nor ')} is here. Name a file"
          end

          # @param path [String]
          # @return [Proc] a handler
          # @raise [Polyphony::Error] for a file that gives none
          # @raise [Exception] what the file fails with
          def load(path)
            path.end_with?('.ru') ? load_rack(path) : load_handler(path)
          end

          private

          def load_rack(path)
            begin
              require 'rack' # all of it, as config.ru may name any part
              require 'rack/builder'
            rescue ::LoadError
              raise Error, "#{path} is for Rack, which is not installed: gem install rack"
            end
            app, = ::Rack::Builder.parse_file(path) # and the options of its first line, in Rack 2
            Rack.handler(app, multiprocess: true)
          end

          def load_handler(path)
            handler = TOPLEVEL_BINDING.eval(::File.read(path), ::File.expand_path(path), 1)
            return handler.to_proc if handler.is_a?(::Proc) || handler.is_a?(::Method)
            return handler.method(:call).to_proc if handler.respond_to?(:call)

            raise Error, "#{path} must end with a handler, as `proc { |request| request.respond('hello') }`; " \
                         "its value is #{handler.inspect}"
          end
        end
      end
    end
  end
end
