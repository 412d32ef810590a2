# frozen_string_literal: true

# What every peer serves: made anew for each request, as an application would.
APP = ->(_env) { [200, { 'content-type' => 'text/plain' }, ["Hello, world!\n"]] }

# The arguments of every script here: PORT, and for TLS certificate and key as PEM files.
PORT = ARGV[0]
CERTIFICATE, KEY = ARGV[1, 2]
