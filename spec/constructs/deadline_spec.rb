# frozen_string_literal: true

require 'timeout'
require_relative '../support/virtual_time'

RSpec.describe 'Polyphony.deadline', :fibers, :virtual_time do
  # @return [Float, nil] as seconds from the start of the example
  def deadline
    Polyphony.deadline&.then { |at| (at - (Polyphony.now - time)).round(6) }
  end

  it 'is nil without a limit, and where there is no scheduler' do
    expect([deadline, Polyphony.remaining]).to eq([nil, nil])
    expect(move_on_after(nil) { [deadline, Polyphony.remaining] }).to eq([nil, nil])
    expect(Thread.new { [Polyphony.deadline, Fiber.scheduler] }.value).to eq([nil, nil])
  end

  it 'is that of the nearest limit, inside or outside' do
    move_on_after(5) do
      log << deadline
      cancel_after(9) { log << deadline }
      Timeout.timeout(3) { log << deadline }
      sleep 1
      Timeout.timeout(3) { log << deadline << Polyphony.remaining }
      log << deadline
    end
    expect([log, deadline]).to eq([[5, 5, 3, 4, 3, 5], nil])
  end

  it 'moves with reset and extend' do
    move_on_after(5) do |scope|
      scope.extend(2)
      log << deadline
      sleep 1
      scope.reset(1)
      log << deadline
      scope.reset(nil)
      log << deadline
    end
    expect(log).to eq([7, 2, nil])
  end

  it 'has passed when a limit has run out that has not cut yet; one that has cut is over' do
    move_on_after(1) do
      Polyphony::Scheduler.current.advance(3)
      log << deadline << Polyphony.remaining
      suspend
    ensure
      log << deadline
    end
    expect(log).to eq([1, 0, nil])
  end

  it 'has passed in a scope that was cancelled' do
    expect(move_on_after(nil) { |scope| scope.cancel; Polyphony.remaining }).to eq(0)
    expect(move_on_after(9) { |scope| scope.cancel; Polyphony.remaining }).to eq(0)
  end

  it 'counts inside a shield what can cut there' do
    move_on_after(5) do
      Polyphony.shield do
        log << deadline
        move_on_after(7) { log << deadline }
      end
    end
    expect(log).to eq([nil, 7])
  end

  it 'is that of the fiber, and of the scope it was spun into' do
    move_on_after(5) do
      spin { log << deadline }.await
      Polyphony.scope { |scope| scope.spin { log << deadline; move_on_after(2) { log << deadline } } }
    end
    expect(log).to eq([nil, 5, 2])
  end

  it 'a timeout: of a wait does not extend' do
    expect(move_on_after(1, with_value: :cut) { receive(timeout: 60) }).to eq(:cut)
    expect(error_of { move_on_after(60) { receive(timeout: 1) } }).to be_a(Polyphony::TimeoutError)
    expect(time).to eq(2)
  end
end
