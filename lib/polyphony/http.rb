# frozen_string_literal: true

# The web server.
#
#   http/http1.rb, ext/http       HTTP/1 as bytes and back, in C
#   http/http2.rb, ext/http       HTTP/2 likewise
#   http/bind.rb, listener.rb     where to listen, and accepting; bind/opening.rb: sockets
#   http/transport.rb             a socket (transport/plain.rb), or TLS over one (transport/tls.rb)
#   http/http1/connection.rb      one connection: read, parse, call the handler, write
#   http/http2/connection.rb      one of HTTP/2: many requests at a time, a fiber for each that waits (stream.rb)
#   http/request.rb, body.rb      what the handler is given, whatever the version of HTTP; answering.rb: its answer
#   http/server.rb, limits.rb     all of it together; server/accepting.rb, arrival.rb: connections as they come;
#                                 server/stopping.rb, stopper.rb: the end; phases.rb: time limits
#   http/static.rb                files
#   http/websocket.rb             WebSockets; ext/http/websocket*.c: their frames
#   http/event_stream.rb          server-sent events
#   http/hub.rb                   what both need of the server
#   http/rack.rb                  a handler for Rack apps; railtie.rb: Rails

require_relative 'core'
require_relative 'http/http1'
require_relative 'http/server'
require_relative 'http/hub'
require_relative 'http/websocket'
require_relative 'http/event_stream'
require_relative 'http/static'
require_relative 'http/rack'
require_relative 'railtie' if defined?(::Rails::Railtie)

module Polyphony
  module HTTP
    # Serves until the calling fiber is stopped. The handler is called as soon as the header of a request is
    # there, in the fiber of its connection.
    #
    #   Polyphony::HTTP.serve(bind: 'http://0.0.0.0:9292') { |request| request.respond('hello') }
    #
    # @param options [Hash] see {Server#initialize}: bind, tls, log, access_log, and the {Limits}
    # @yieldparam request [Polyphony::HTTP::Request]
    # @return [nil]
    # @raise [ArgumentError] without a block, for a bind or a limit that is none
    # @raise [SystemCallError] when it cannot listen
    # @suspends until the server is stopped
    def self.serve(**options, &handler)
      Server.new(**options, &handler).run
    end
  end
end
