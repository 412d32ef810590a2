# frozen_string_literal: true

# Fibers and what is built on them, without anything added to Ruby's own classes.
#
#   scheduler.rb            the Fiber::Scheduler (C, ext/scheduler)
#   lifecycle.rb, fiber.rb  spin, await, stop, restart, parents and children, messages
#   group.rb                several fibers awaited as one
#   scope.rb                fibers that end where their scope ends; suppressed.rb: errors beside the one raised
#   supervisor.rb           fibers restarted when they fail; process_fiber.rb: processes as fibers
#   run.rb, signals.rb      a main fiber for a block
#   cancel_scope.rb         time limits; deadline.rb: when the nearest one runs out
#   timers.rb, throttler.rb doing things later, again, and not too often
#   waiting_line.rb         how fibers of any threads wait for one thing; on it:
#   semaphore.rb, barrier.rb, event.rb, latch.rb, resource_pool.rb
#   channel.rb, call.rb, registry.rb, topic.rb: messages beside the mailbox; line.rb: their waiting fibers
#   thread_pool.rb, thread.rb
#   tree.rb, stats.rb, trace.rb, watchdog.rb, dump.rb: what the fibers do, for who looks on; frames.rb
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
require_relative 'deadline'
require_relative 'waiting_line'
require_relative 'throttler'
require_relative 'timers'
require_relative 'semaphore'
require_relative 'barrier'
require_relative 'event'
require_relative 'latch'
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
require_relative 'stats'
require_relative 'trace'
require_relative 'watchdog'
require_relative 'dump'
