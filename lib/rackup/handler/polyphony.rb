# frozen_string_literal: true

# Loaded by `rackup -s polyphony` and `rails server -u polyphony`.

require 'rackup/handler'
require_relative '../../polyphony/http/rack/handler'

Rackup::Handler.register(:polyphony, Polyphony::HTTP::Rack::Handler::Polyphony)
