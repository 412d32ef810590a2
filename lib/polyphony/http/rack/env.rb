# frozen_string_literal: true

require_relative 'fields'
require_relative 'input'
require_relative 'callables'

module Polyphony
  module HTTP
    module Rack
      # The env. What the requests of a listener have in common is put together once, with room for the
      # rest, so that a request costs a copy and a few values.
      # @api private
      class Env
        # Callbacks for the end of the response.
        FINISHED = 'rack.response_finished'
        # Where errors are written.
        ERRORS = 'rack.errors'
        # The body of the request.
        INPUT = 'rack.input'
        # Protocols that the client would change to.
        PROTOCOL = 'rack.protocol'
        # The {Request}.
        REQUEST = 'polyphony.request'

        # Rack 2 asks for these.
        RACK2 = { 'rack.version' => [1, 6].freeze, 'rack.multithread' => true, 'rack.run_once' => false }.freeze
        private_constant :RACK2

        # @param errors [IO] `rack.errors`
        # @param multiprocess [Boolean]
        # @param rack2 [Boolean] whether to have what only Rack 2 asks for
        def initialize(errors, multiprocess, rack2)
          @rack2 = rack2
          @templates = {}
          @common = {
            'REQUEST_METHOD' => nil, 'SCRIPT_NAME' => '', 'PATH_INFO' => nil, 'QUERY_STRING' => nil,
            'REQUEST_URI' => nil, 'SERVER_PROTOCOL' => nil, 'SERVER_NAME' => 'localhost', 'SERVER_PORT' => nil,
            'SERVER_SOFTWARE' => "polyphony/#{VERSION}", 'REMOTE_ADDR' => nil, 'rack.url_scheme' => nil,
            ERRORS => errors, INPUT => rack2 ? Rewindable::EMPTY : Input::EMPTY, 'rack.hijack?' => true,
            'rack.hijack' => nil, 'rack.early_hints' => nil, FINISHED => nil, REQUEST => nil,
            **(rack2 ? { **RACK2, 'rack.multiprocess' => multiprocess } : {})
          }.freeze
        end

        # @param request [Request]
        # @return [Hash]
        def for(request)
          context = request.context
          origin = context.rack ||= origin(context, request.version == 'HTTP/2')
          env = request.to_env(origin[0], origin)
          return env if request.plain? && !@rack2

          env[INPUT] = Input.new(request.body) if request.body?
          env[PROTOCOL] = (request.protocol_name || request['upgrade']).split(/,\s*/) if request.upgrade?
          rack2(env, request) if @rack2
          env
        end

        private

        # What Rack 2 has besides, or other than Rack 3.
        def rack2(env, request)
          if request.body?
            env[INPUT] = copy = Rewindable.new(request.body)
            env[FINISHED] << ->(*) { copy.discard }
          end
          env['rack.hijack'] = -> { env['rack.hijack_io'] = request.hijack } if env['rack.hijack?']
        end

        # What the requests of a connection have in common, as HTTP1::RequestHead#to_env wants it. Streams of HTTP/2
        # share theirs, so that nobody can take it.
        def origin(context, shared)
          template = @templates[[context.scheme, shared]] ||= common(context.scheme == 'https', shared)
          [template, context.remote_ip, (Hijack.new(context) unless shared), EarlyHints.new(context)].freeze
        end

        def common(tls, shared)
          env = @common.merge('SERVER_PORT' => tls ? '443' : '80', 'rack.url_scheme' => tls ? 'https' : 'http',
                              'rack.hijack?' => !shared)
          env['HTTPS'] = 'on' if tls
          HTTP1::RequestHead.env_template(shared ? env.except('rack.hijack') : env)
        end
      end
    end
  end
end
