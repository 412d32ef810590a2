# frozen_string_literal: true

# Loaded by the `rackup -s polyphony` of Rack 2. Rack 3 has it in rackup/handler.

require 'rack/handler'
require_relative '../../polyphony/http/rack/handler'

Rack::Handler.register(:polyphony, Polyphony::HTTP::Rack::Handler::Polyphony)
