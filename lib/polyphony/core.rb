# frozen_string_literal: true

# Fibers and what is built on them, without anything added to Ruby's own classes.
#
#   scheduler.rb            the Fiber::Scheduler (C, ext/scheduler)
#   lifecycle.rb, fiber.rb  spin, await, stop, restart, parents and children, messages
#   group.rb                several fibers awaited as one
#   scope.rb                fibers that end where their scope ends; suppressed.rb: errors beside the one raised
#   supervisor.rb           fibers restarted when they fail; process_fiber.rb: processes as fibers
#   run.rb, signals.rb      a main fiber for a block
#   cancel_scope.rb         time limits
#   timers.rb, throttler.rb doing things later, again, and not too often
#   channel.rb, call.rb, registry.rb, topic.rb: messages beside the mailbox; line.rb: their waiting fibers
#   resource_pool.rb, thread_pool.rb, thread.rb
#   verbs.rb                all of it as methods of Polyphony

require_relative 'scheduler'
require_relative 'clock'
require_relative 'frames'
require_relative 'reason'
require_relative 'fiber_methods'
require_relative 'lifecycle'
require_relative 'group'
require_relative 'fiber'
require_relative 'scope'
require_relative 'cancel_scope'
require_relative 'throttler'
require_relative 'timers'
require_relative 'supervisor'
require_relative 'process_fiber'
require_relative 'channel'
require_relative 'call'
require_relative 'registry'
require_relative 'topic'
require_relative 'verbs'
require_relative 'signals'
require_relative 'run'
require_relative 'thread'
require_relative 'resource_pool'
require_relative 'thread_pool'
require_relative 'tree'
