# frozen_string_literal: true

require_relative 'rack/env'
require_relative 'rack/answer'

module Polyphony
  module HTTP
    # Rack, 3 and 2: makes of an app a handler.
    #
    #   app = ->(env) { [200, { 'content-type' => 'text/plain' }, ['hello']] }
    #   Polyphony::HTTP.serve(bind: 'http://0.0.0.0:9292', &Polyphony::HTTP::Rack.handler(app))
    module Rack
      # @param app [#call] a Rack app
      # @param errors [IO] `rack.errors`
      # @param multiprocess [Boolean] `rack.multiprocess`, for Rack 2
      # @return [Proc] a handler
      # @suspends no
      def self.handler(app, errors: $stderr, multiprocess: false)
        Adapter.new(app, errors, multiprocess).method(:call).to_proc
      end

      # Calls the app with an env, and sends what it returns.
      # @api private
      class Adapter
        def initialize(app, errors, multiprocess)
          @app = app
          @env = Env.new(errors, multiprocess, rack2?)
        end

        # @param request [Request]
        # @return [void]
        def call(request)
          env = @env.for(request)
          status, headers, body = @app.call(env)
          return if request.hijacked? # the app has taken the connection

          Answer.send(request, status.to_i, headers, body)
        rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised again
          failure = e
          raise
        ensure
          finished = env&.[](Env::FINISHED)
          finished(finished, env, status, headers, failure) if finished && !finished.empty?
        end

        private

        def rack2?
          defined?(::Rack.release) && ::Rack.release.start_with?('2')
        end

        # Last first, as the specification wants it; one that fails does not keep the others from being called.
        def finished(callbacks, *arguments)
          callbacks.reverse_each do |callback|
            callback.call(*arguments)
          rescue ::StandardError => e
            arguments.first[Env::ERRORS].puts("rack.response_finished: #{e.full_message(highlight: false)}")
          end
        end
      end
      private_constant :Adapter
    end
  end
end
