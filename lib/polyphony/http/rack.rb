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
        isolate_fibers
        adapter = Adapter.new(app, errors, multiprocess)
        ->(request) { adapter.call(request) }
      end

      # ActiveSupport keeps state by thread unless it is told otherwise; then requests would share it. See Railtie,
      # which says so earlier, where it is loaded.
      def self.isolate_fibers
        return unless defined?(::ActiveSupport::IsolatedExecutionState)

        ::ActiveSupport::IsolatedExecutionState.isolation_level = :fiber
      end
      private_class_method :isolate_fibers

      # Calls the app with an env, and sends what it returns.
      # @api private
      class Adapter
        def initialize(app, errors, multiprocess)
          @app = app
          rack2 = defined?(::Rack.release) && ::Rack.release.start_with?('2')
          @env = Env.new(errors, multiprocess, rack2)
        end

        # @param request [Request]
        # @return [void]
        def call(request)
          env = @env.for(request)
          begin
            status, headers, body = @app.call(env)
            next_best(request, status, headers, body) unless request.answer_pieces(status, headers, body)
          rescue ::Exception => e # rubocop:disable Lint/RescueException -- raised again
            failure = e
            raise
          ensure
            finished = env[Env::FINISHED]
            finished(request, finished, [env, status, headers, failure]) unless finished.nil? || finished.empty?
          end
        end

        private

        # What is not answered in one call of C.
        def next_best(request, status, headers, body)
          return Answer.send(request, status, headers, body) unless request.hijacked? || request.responded?

          # The app has taken the connection, or answered by `polyphony.request`: by a WebSocket, say.
          body.close if body.respond_to?(:close)
        end

        # After the answer has gone out. Last first, as the specification wants it; one that fails does not
        # keep the others from being called.
        def finished(request, callbacks, arguments)
          arguments[3] ||= failure_of_sending(request)
          callbacks.reverse_each do |callback|
            callback.call(*arguments)
          rescue ::StandardError => e
            arguments.first[Env::ERRORS].puts("rack.response_finished: #{e.full_message(highlight: false)}")
          end
        end

        def failure_of_sending(request)
          request.context.flush unless request.hijacked?
        rescue Disconnected => e
          e
        end
      end
      private_constant :Adapter
    end
  end
end
