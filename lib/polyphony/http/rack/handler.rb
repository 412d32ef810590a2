# frozen_string_literal: true

require_relative '../../http'
require_relative '../access_log'

module Polyphony
  module HTTP
    module Rack
      # For rackup, which asks servers for a module of their name.
      module Handler
        # `rackup -s polyphony` and `rails server -u polyphony`: the server in one process, for development.
        # `polyphony serve` has workers, reload and the rest.
        module Polyphony
          # Seconds for the requests under way when it ends.
          GRACE = 30

          class << self
            # Serves until {shutdown}, INT or TERM; a second one ends at once.
            #
            # @param app [#call] a Rack app
            # @param options [Hash{Symbol, String => Object}] see {valid_options}; others are left alone, as rackup
            #   passes its own, too
            # @yieldparam server [Polyphony::HTTP::Server] before it serves
            # @return [void]
            # @raise [ArgumentError] for a bind or a limit that is none
            # @raise [SystemCallError] when it cannot listen
            # @suspends until it is stopped
            def run(app, **options)
              options = options.transform_keys(&:to_sym)
              server = server_for(app, options)
              ::Polyphony.run do
                server.listen
                warn("polyphony: listening on #{server.addresses.join(', ')}") unless options[:quiet]
                yield server if block_given?
                serve(server, Float(options[:Grace] || GRACE))
              end
            end

            # Lets requests finish, then ends {run}. May be called by a signal handler.
            #
            # @return [void]
            # @suspends no
            def shutdown
              @controller&.send(:stop)
            end

            # @return [Hash{String => String}] for rackup's help
            def valid_options
              {
                'Host=HOST' => "to listen on (default: #{default_host})", 'Port=PORT' => 'to listen on (default: 9292)',
                'Bind=URL[,URL]' => 'http://HOST:PORT, https://HOST:PORT, unix:///PATH, instead of Host and Port',
                'Cert=FILE' => 'certificate (PEM, with its chain): serves https', 'Key=FILE' => 'its key (PEM)',
                'RequestLog=FILE' => 'a line for each request',
                "Grace=#{GRACE}" => 'seconds for requests under way when it ends',
                **Limits::DEFAULTS.to_h { |name, value| ["#{name}=#{value}", 'a limit; see docs/serving.md'] }
              }
            end

            private

            def server_for(app, options)
              tls = { cert: options[:Cert], key: options[:Key] } if options[:Cert]
              log = AccessLog.new(::File.open(options[:RequestLog], 'a')) if options[:RequestLog]
              Server.new(bind: binds(options, tls), tls: tls, access_log: log, **limits(options), &Rack.handler(app))
            end

            def binds(options, tls)
              return options[:Bind].split(',') if options[:Bind]

              host = options[:Host] || default_host
              host = "[#{host}]" if host.include?(':') && !host.start_with?('[')
              "#{tls ? 'https' : 'http'}://#{host}:#{options[:Port] || 9292}"
            end

            def default_host = (::ENV['RACK_ENV'] || 'development') == 'development' ? 'localhost' : '0.0.0.0'

            def limits(options)
              options.slice(*Limits::DEFAULTS.keys).transform_values do |value|
                next value unless value.is_a?(::String)

                value == 'none' ? nil : Integer(value, exception: false) || Float(value)
              end
            end

            def serve(server, grace)
              @controller = ::Polyphony.spin(:signals) { obey(server, grace) }
              before = ::Signal.trap(:TERM) { shutdown }
              server.run
            ensure
              @controller = nil
              ::Signal.trap(:TERM, before || 'DEFAULT')
            end

            def obey(server, grace)
              ::Polyphony.receive
              stopping = ::Polyphony.spin(:stop) { server.stop(grace: grace) }
              ::Polyphony.receive
              stopping.stop
              server.stop(grace: 0)
            end
          end
        end
      end
    end
  end
end
