# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'cancel scopes', :fibers do
  describe 'move_on_after' do
    it 'gives the value of its block, or with_value when the time is over' do
      expect(move_on_after(60) { :done }).to eq(:done)
      expect(move_on_after(0.001) { suspend }).to be_nil
      expect(move_on_after(0.001, with_value: :late) { suspend }).to eq(:late)
    end

    it 'runs ensure blocks, which may wait, and is no StandardError' do
      value = move_on_after(0.001, with_value: :late) do
        suspend
      rescue StandardError
        log << :swallowed
      ensure
        2.times { snooze }
        log << :ensured
      end
      expect([value, log]).to eq([:late, [:ensured]])
    end

    it 'nested, ends the block of the scope whose time is over' do
      outer = move_on_after(0.001, with_value: :outer) { move_on_after(60, with_value: :inner) { suspend } }
      inner = move_on_after(60, with_value: :outer) { [move_on_after(0.001, with_value: :inner) { suspend }] }
      expect([outer, inner]).to eq([:outer, [:inner]])
    end

    it 'leaves a block that does not wait alone' do
      expect(move_on_after(0) { :computed }).to eq(:computed)
    end

    it 'without a limit waits for reset, extend or cancel' do
      scope = nil
      fiber = waiting { move_on_after(nil, with_value: :cut) { |own| scope = own; suspend } }
      scope.reset(0.001)
      expect(fiber.await).to eq(:cut)
      expect(scope).to be_cancelled
    end

    it 'can be cancelled by hand, reset and asked' do
      seen = nil
      value = move_on_after(60, with_value: :cut) do |scope|
        seen = [scope.cancelled?, scope.remaining.between?(0, 60), scope.reset.equal?(scope), scope.inspect]
        scope.cancel
        suspend
      end
      expect(value).to eq(:cut)
      expect(seen.first(3)).to eq([false, true, true])
      expect(seen.last).to match(/CancelScope .*s left/)
    end

    it 'is cut by a stop all the same' do
      fiber = waiting { move_on_after(60) { suspend } }
      expect(fiber.stop(:stopped).await).to eq(:stopped)
    end

    it 'passes on errors of its block' do
      expect(error_of { move_on_after(60) { raise IOError } }).to be_a(IOError)
    end
  end

  describe 'cancel_after' do
    it 'raises Polyphony::Cancel' do
      expect(error_of { cancel_after(0.001) { suspend } }).to be_a(Polyphony::Cancel)
      expect(cancel_after(60) { :done }).to eq(:done)
    end

    it 'raises what it is told to' do
      given = [IOError, IOError.new('object'), [IOError, 'text'], 'text']
      raised = given.map { |error| error_of { cancel_after(0.001, with_exception: error) { suspend } } }
      expect(raised.map { |error| [error.class, error.message] })
        .to eq([[IOError, 'IOError'], [IOError, 'object'], [IOError, 'text'], [RuntimeError, 'text']])
      expect(raised.map(&:cause)).to all(be_nil)
    end
  end

  it 'need a block and a number of seconds' do
    %i[move_on_after cancel_after].each do |verb|
      expect(error_of { public_send(verb, 1) }).to be_a(ArgumentError)
      expect(error_of { public_send(verb, -1) {} }).to be_a(ArgumentError)
      expect(error_of { public_send(verb, Float::NAN) {} }).to be_a(ArgumentError)
      ['1', :one, [], Complex(1, 1)].each { |wrong| expect(error_of { public_send(verb, wrong) {} }).to be_a(TypeError) }
      expect(public_send(verb, Float::INFINITY) { :forever }).to eq(:forever)
      expect(public_send(verb, Rational(60)) { :rational }).to eq(:rational)
    end
  end

  describe 'Polyphony.shield' do
    it 'holds back time limits until its end' do
      value = move_on_after(0, with_value: :cut) do
        Polyphony.shield { 5.times { snooze }; log << :shielded }
        suspend
      end
      expect([value, log]).to eq([:cut, [:shielded]])
      expect(error_of { Polyphony.shield }).to be_a(ArgumentError)
    end
  end
end
