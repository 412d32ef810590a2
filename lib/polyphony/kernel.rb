# frozen_string_literal: true

# What `require 'polyphony'` adds to Ruby, and all it adds: new private methods of Kernel, two of
# Fiber's class and one of Thread. Nothing that exists is changed (spec/purity_spec.rb).

# Ruby's own, with the verbs as new private methods.
module Kernel
  private

  # @see Polyphony.spin
  def spin(tag = nil, &block) = Polyphony.spin(tag, &block)

  # @see Polyphony.spin_loop
  def spin_loop(tag = nil, **options, &block) = Polyphony.spin_loop(tag, **options, &block)

  # @see Polyphony.after
  def after(seconds, &block) = Polyphony.after(seconds, &block)

  # @see Polyphony.every
  def every(seconds, &block) = Polyphony.every(seconds, &block)

  # @see Polyphony.move_on_after
  def move_on_after(seconds, with_value: nil, &block) = Polyphony.move_on_after(seconds, with_value: with_value, &block)

  # @see Polyphony.cancel_after
  def cancel_after(seconds, with_exception: Polyphony::Cancel, &block)
    Polyphony.cancel_after(seconds, with_exception: with_exception, &block)
  end

  # @see Polyphony.receive
  def receive(timeout: nil, &filter) = Polyphony.receive(timeout: timeout, &filter)

  # @see Polyphony.receive_loop
  def receive_loop(&block) = Polyphony.receive_loop(&block)

  # @see Polyphony.supervise
  def supervise(*fibers, **options, &block) = Polyphony.supervise(*fibers, **options, &block)

  # @see Polyphony.snooze
  def snooze = Polyphony.snooze

  # @see Polyphony.suspend
  def suspend = Polyphony.suspend

  # @see Polyphony.throttled_loop
  def throttled_loop(rate = nil, **options, &block) = Polyphony.throttled_loop(rate, **options, &block)
end

# Ruby's own, with two new methods for {Polyphony::Fiber}s.
class Fiber
  # @see Polyphony::Fiber.await
  def self.await(*fibers) = Polyphony::Fiber.await(*fibers)

  # @see Polyphony::Fiber.select
  def self.select(*fibers, stop_others: false) = Polyphony::Fiber.select(*fibers, stop_others: stop_others)
end

# Ruby's own, with one new method.
class Thread
  # @return [Polyphony::Backend] reading, writing and accepting without the detour over IO's methods.
  #   It works in the running thread, whichever thread it was asked of.
  def backend = Polyphony.backend
end
