# frozen_string_literal: true

require_relative 'fibers'

# Examples marked `:virtual_time`, beside `:fibers`: time stands still while fibers run, and jumps to the next
# timer when all of them wait. So they take no time, and may say exactly when something happened.
module VirtualTime
  # @return [Float] seconds since the example began
  def time
    (Polyphony.now - @time_began).round(6)
  end

  def self.install(config)
    config.include VirtualTime, :virtual_time
    config.before(:each, :virtual_time) do
      Polyphony::Scheduler.current.virtual_clock = 0
      @time_began = Polyphony.now
    end
    config.after(:each, :virtual_time) { Polyphony::Scheduler.current.virtual_clock = nil }
  end
end

RSpec.configure { |config| VirtualTime.install(config) }
