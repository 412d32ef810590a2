# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'raising in another fiber', :fibers do
  describe 'Polyphony::Fiber#raise' do
    it 'raises at the wait of the fiber; the caller goes on' do
      fiber = waiting { error_of { suspend } }
      expect(fiber.raise(ArgumentError, 'sent')).to equal(fiber)
      expect(fiber).to be_alive
      expect(fiber.await).to be_a(ArgumentError).and have_attributes(message: 'sent')
    end

    it 'takes the arguments of Kernel#raise' do
      error = IOError.new('object')
      given = [[error], [IOError], [IOError, 'text'], ['text'], [], [IOError, 'text', ['frame:1']]]
      raised = given.map do |arguments|
        fiber = waiting { error_of { suspend } }
        fiber.raise(*arguments)
        fiber.await
      end
      expect(raised.map(&:class)).to eq([IOError, IOError, IOError, RuntimeError, RuntimeError, IOError])
      expect(raised.map(&:message)).to eq(['object', 'IOError', 'text', 'text', 'unhandled exception', 'text'])
      expect(raised.last.backtrace).to eq(['frame:1'])
    end

    it 'sets a cause that is given' do
      cause = RuntimeError.new('cause')
      fiber = waiting { error_of { suspend } }
      fiber.raise('text', cause: cause)
      expect(fiber.await.cause).to equal(cause)
    end

    it 'raises at once in the calling fiber itself' do
      expect(error_of { Polyphony.current.raise(IOError, 'self') }).to be_a(IOError)
    end

    it 'delivers several in order, one at each wait' do
      fiber = waiting { Array.new(2) { error_of { suspend }.message } }
      fiber.raise('one').raise('two')
      expect(fiber.await).to eq(%w[one two])
    end

    it 'fails a fiber that has not started without running its block' do
      fiber = spin { log << :ran }
      fiber.raise('early')
      expect(error_of { fiber.await }&.message).to eq('early')
      expect(log).to be_empty
    end

    it 'loses none of several before the start, nor one after a stop', :fifo do
      twice = spin { log << :ran }.raise('first').raise('second')
      error = error_of { twice.await }
      expect([error.message, Polyphony.suppressed(error).map(&:message)]).to eq(['first', ['second']])
      fiber = nil
      spin { fiber.stop }
      spin { fiber.raise('after the stop') }
      fiber = spin { log << :ran }
      expect(error_of { fiber.await }&.message).to eq('after the stop')
      expect(log).to be_empty
    end

    it 'before the start goes to the parent if the fiber is restarted before' do
      fiber = spin { receive }
      fiber.raise('before')
      fiber.restart
      expect(error_of { suspend }&.message).to eq('before')
      fiber << :ran
      expect(fiber.await).to eq(:ran)
    end

    it 'says so when the fiber is dead, or when there is nothing to raise' do
      dead = spin {}.tap(&:await)
      expect(error_of { dead.raise('x') }).to be_a(Polyphony::DeadFiber)
      live = waiting { suspend }
      [1, Object, nil.to_a, Class.new].each do |wrong|
        expect(error_of { live.raise(wrong) }).to be_a(TypeError)
      end
    end

    it 'reaches a fiber that waits inside an Enumerator or a nested Fiber' do
      queue = Queue.new
      fibers = [waiting { error_of { Fiber.new { queue.pop }.resume } },
                waiting { error_of { Enumerator.new { |y| y << queue.pop }.first } }]
      fibers.each { |fiber| fiber.raise('inside') }
      expect(fibers.map { |fiber| fiber.await.message }).to eq(%w[inside inside])
    end
  end

  describe 'Polyphony::Fiber#cancel' do
    it 'propagates to the awaiter' do
      fiber = waiting { suspend }
      fiber.cancel
      expect(error_of { fiber.await }).to be_a(Polyphony::Cancel)
    end

    it 'propagates to the parent when nobody awaits' do
      waiting { suspend }.cancel
      expect(error_of { suspend }).to be_a(Polyphony::Cancel)
    end

    it 'takes an error' do
      fiber = waiting { suspend }
      fiber.cancel(IOError.new('mine'))
      expect(error_of { fiber.await }).to be_a(IOError)
    end

    it 'is no StandardError: rescue => e lets it pass' do
      fiber = waiting do
        suspend
      rescue StandardError
        :swallowed
      end
      fiber.cancel
      expect(error_of { fiber.await }).to be_a(Polyphony::Cancel)
    end
  end

  it 'cannot be done with a fiber that spin made by resume, transfer or kill' do
    fiber = waiting { suspend }
    %i[resume transfer kill].each { |name| expect(error_of { fiber.public_send(name) }).to be_a(Polyphony::Error) }
  end
end
