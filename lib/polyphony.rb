# frozen_string_literal: true

# Fine-grained concurrency for stock Ruby. The library in layers, each on the one before:
#
#   polyphony/scheduler   a Fiber::Scheduler in C on libev; enough for any stock program
#   polyphony/core        fibers with structure: spin, await, stop, messages, scopes, pools
#   polyphony/kernel      the same as methods of Kernel
#   polyphony/main        the main script runs in a non-blocking fiber
#
# `require 'polyphony'` is all of these; libraries take polyphony/core.

require_relative 'polyphony/core'
require_relative 'polyphony/kernel'
require_relative 'polyphony/main'

Polyphony::Main.adopt
