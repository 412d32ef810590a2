# frozen_string_literal: true

require 'rack'
require 'rack/lint'
require_relative 'http_server'

# Rack apps served in the process of the spec, with Rack::Lint around them unless the app is to do what Lint
# forbids.
module RackApp
  # @param app [#call]
  # @return [HttpServer::Running]
  def rack(app = nil, lint: true, errors: $stderr, **options, &block)
    app ||= block
    app = Rack::Lint.new(app) if lint
    serve(**options, &Polyphony::HTTP::Rack.handler(app, errors: errors))
  end

  # A body of an app that counts what is done with it.
  class Body
    # @return [Array<Symbol>]
    attr_reader :calls

    def initialize(*pieces)
      @pieces = pieces
      @calls = []
    end

    def each
      @calls << :each
      @pieces.each { |piece| piece.is_a?(Exception) ? raise(piece) : yield(piece) }
    end

    def close
      @calls << :close
    end
  end
end

RSpec.configure { |config| config.include RackApp }
