# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'The restart intensity of supervise', :fibers do
  # One number of seconds for each failure: when it happens.
  def failures_at(*times, **options)
    clock = times.dup
    current = 0
    RSpec::Mocks.allow_message(Polyphony, :now) { current }
    runs = 0
    fiber = spin(:failing) do
      runs += 1
      current = clock.shift || Polyphony.current.stop
      raise "failure #{runs}"
    end
    error = error_of { supervise(fiber, restart: :on_error, **options) {} }
    [runs, error]
  end

  def restarts(...)
    runs, error = failures_at(...)
    expect(error.nil? || error.is_a?(Polyphony::RestartLimit)).to be(true), error.inspect
    error ? [runs, :gave_up] : [runs, :ended]
  end

  it 'is by default three restarts in five seconds: it gives up at the fourth failure' do
    expect(restarts(1, 1, 1, 1, 1)).to eq([4, :gave_up])
    expect(restarts(1, 1, 1)).to eq([4, :ended])
  end

  it 'is counted in a window that moves, both of its ends included' do
    expect(restarts(0, 1, 2, 5)).to eq([4, :gave_up])
    expect(restarts(0, 1, 2, 5.5, 6.1, 7.2)).to eq([7, :ended])
    expect(restarts(0, 1, 2, 5.5, 6)).to eq([5, :gave_up])
  end

  it 'is what max_restarts: and within: say' do
    expect(restarts(0, 9, max_restarts: 1, within: 10)).to eq([2, :gave_up])
    expect(restarts(0, 11, 22, max_restarts: 1, within: 10)).to eq([4, :ended])
    expect(restarts(0, max_restarts: 0)).to eq([1, :gave_up])
    expect(restarts(*[0] * 50, max_restarts: nil)).to eq([51, :ended])
    expect(restarts(*[0] * 50, max_restarts: Float::INFINITY)).to eq([51, :ended])
  end

  it 'counts the restarts of all fibers together', :fifo do
    fibers = Array.new(4) { |i| spin { receive.then { raise i.to_s } } }
    boss = waiting { supervise(*fibers, restart: :on_error) {} }
    fibers.each { |fiber| fiber << :fail }
    error = error_of { boss.await }
    expect([error.class, error.cause&.message]).to match([Polyphony::RestartLimit, /\A[0-3]\z/])
    expect(fibers.map(&:alive?)).to eq([false] * 4)
  end

  it 'counts ends without an error, when those are restarted' do
    runs = 0
    fiber = spin { runs += 1 }
    error = error_of { supervise(fiber, restart: :always) {} }
    expect([error.class, error.cause, runs]).to eq([Polyphony::RestartLimit, nil, 4])
    expect(error.message).to include('ended again, after 3 restarts within 5 s')
  end

  it 'gives up with an error that says who, how often, and what to do; its cause is the last one' do
    _, error = failures_at(0, 0, max_restarts: 1, within: 2.5)
    expect(error.message).to match(/\A#<Polyphony::Fiber :failing .*intensity_spec.rb:\d+ .*> failed again /)
    expect(error.message).to include('(RuntimeError: failure 2), after one restart within 2.5 s')
    expect(error.message).to include('max_restarts:', 'within:', 'backoff:')
    expect(error.cause.message).to eq('failure 2')
  end

  it 'stops the rest in reverse order before it gives up', :fifo do
    rest = %i[a b c].map do |tag|
      spin(tag) do
        suspend
      ensure
        snooze
        log << tag
      end
    end
    failing = spin { rest.each { snooze }; raise 'oops' }
    expect(error_of { supervise(*rest, failing, restart: :on_error, max_restarts: 0) {} }).to be_a(Polyphony::RestartLimit)
    expect(log).to eq(%i[c b a])
    expect(Array.new(3) { error_of { snooze } }.compact).to be_empty
  end

  it 'is refused when it makes no sense' do
    { max_restarts: [-1, 1.5, '3'], within: [0, -1, nil, 'x', Float::NAN] }.each do |option, values|
      values.each do |value|
        error = error_of { supervise(restart: :always, option => value) }
        expect(error).to be_a(ArgumentError).or(be_a(TypeError)), "#{option}: #{value.inspect}"
        expect(error.message).to include(option.to_s)
      end
    end
  end
end
