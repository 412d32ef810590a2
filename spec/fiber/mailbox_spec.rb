# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'messages', :fibers do
  it 'come in the order they were sent, by send and <<' do
    fiber = spin { Array.new(4) { receive } }
    (fiber << 1 << 2).send(3).send(nil)
    expect(fiber.await).to eq([1, 2, 3, nil])
  end

  it 'wait for the receiver, and it for them' do
    me = Polyphony.current
    me << :early
    expect(receive).to eq(:early)
    spin { me << :late }
    expect(receive).to eq(:late)
  end

  it 'are passed as the objects they are' do
    object = Object.new
    Polyphony.current << object
    expect(receive).to equal(object)
  end

  it 'are selected by a block; the others stay in order' do
    me = Polyphony.current
    me << 1 << [:reply, 2] << 3
    expect(receive { |message| message.is_a?(Array) }).to eq([:reply, 2])
    expect(Polyphony.receive_pending).to eq([1, 3])
  end

  it 'are waited for by a selective receive, each shown to the block once' do
    me = Polyphony.current
    me << 1 << 2
    spin { me << 3; snooze; me << 4 << 5 }
    shown = []
    expect(receive { |message| shown << message; message == 4 }).to eq(4)
    expect(shown).to eq([1, 2, 3, 4])
    expect([receive, receive, receive, receive]).to eq([1, 2, 3, 5])
  end

  it 'that do not come in time raise Polyphony::TimeoutError' do
    expect(error_of { receive(timeout: 0) }).to be_a(Polyphony::TimeoutError)
    expect(error_of { receive(timeout: 0.001) { false } }).to be_a(Polyphony::TimeoutError)
    Polyphony.current << :there
    expect(receive(timeout: 0)).to eq(:there)
  end

  it 'may take for ever, but no wrong time' do
    Polyphony.spin_loop { snooze } && Polyphony.current << 1
    expect(receive(timeout: Float::INFINITY)).to eq(1)
    me = Polyphony.current
    spin { me << 2 }
    expect(receive(timeout: Float::INFINITY)).to eq(2)
    expect(error_of { receive(timeout: -1) }).to be_a(ArgumentError)
    expect(error_of { receive(timeout: Float::NAN) }).to be_a(ArgumentError)
    expect(error_of { receive(timeout: 'soon') }).to be_a(TypeError)
  end

  it 'are yielded by receive_loop until break' do
    fiber = spin { receive_loop { |message| break :broke if message == :end; log << message } }
    fiber << 1 << 2 << :end
    expect(fiber.await).to eq(:broke)
    expect(log).to eq([1, 2])
  end

  it 'that are pending are taken without waiting' do
    expect(Polyphony.receive_pending).to eq([])
    Polyphony.current << 1 << 2
    expect(Polyphony.receive_pending).to eq([1, 2])
    expect(Polyphony.receive_pending).to eq([])
  end

  it 'are refused by a dead fiber, unless sent by send?' do
    dead = spin {}.tap(&:await)
    expect(error_of { dead << 1 }).to be_a(Polyphony::DeadFiber)
    live = spin { receive }
    expect([dead.send?(1), live.send?(2)]).to eq([false, true])
    expect(live.await).to eq(2)
  end

  it 'come from and to other threads, root fibers included' do
    me = Polyphony.current
    thread = Thread.new do
      me << Polyphony.current
      Array.new(3) { Polyphony.receive }
    end
    root = receive
    3.times { |i| root << i }
    expect(thread.value).to eq([0, 1, 2])
  end

  it 'are none lost between threads that send as fast as they can' do
    me = Polyphony.current
    threads = Array.new(4) { |i| Thread.new { 2_000.times { |n| me << [i, n] } } }
    got = Array.new(8_000) { receive }
    threads.each(&:join)
    4.times { |i| expect(got.select { |thread, _| thread == i }.map(&:last)).to eq((0...2_000).to_a) }
  end

  it 'can be stopped while they are waited for' do
    fiber = waiting { receive }
    expect(fiber.stop(:none).await).to eq(:none)
  end

  describe 'with a mailbox limit' do
    it 'make the sender wait until there is room' do
      fiber = waiting { suspend_until_told }
      fiber.mailbox_limit = 2
      sender = spin { 3.times { |i| fiber << i; log << i } }
      wait_until { sender.waiting_on&.start_with?('send to') }
      expect(log).to eq([0, 1])
      fiber.raise(IOError)
      sender.await
      expect(fiber.await).to eq([0, 1, 2])
    end

    def suspend_until_told
      suspend
    rescue IOError
      Array.new(3) { receive }
    end

    it 'fail a sender whose receiver ends' do
      fiber = waiting { suspend }
      fiber.mailbox_limit = 1
      fiber << 1
      sender = waiting { error_of { fiber << 2 } }
      other = waiting { fiber.send?(3) }
      fiber.stop
      expect(sender.await).to be_a(Polyphony::DeadFiber)
      expect(other.await).to be(false)
    end

    # The parent waits for its children then, and empties its mailbox no more.
    { 'began to wait before' => ->(send) { Polyphony.shield(&send) },
      'begins to wait then' => lambda { |send|
        begin
          Polyphony.suspend
        ensure
          send.call
        end
      } }.each do |how, wait|
      it "fail a child of a receiver that ends, if it #{how}" do
        error = nil
        spin do
          full = Polyphony.current
          full.mailbox_limit = 1
          full << 1
          waiting { wait.call(-> { error = error_of { full << 2 } }) }
        end.await
        expect(error).to be_a(Polyphony::DeadFiber).and have_attributes(message: include('ends and takes no messages'))
      end
    end

    it 'are not waited for by the only one who could take them' do
      me = Polyphony.current
      me.mailbox_limit = 1
      me << 1
      expect(error_of { me << 2 }).to be_a(Polyphony::Error)
      me.mailbox_limit = nil
      me << 2
      expect([receive, receive]).to eq([1, 2])
    end

    it 'need a positive Integer' do
      fiber = waiting { suspend }
      [0, -1, 1.5, 'many'].each { |wrong| expect(error_of { fiber.mailbox_limit = wrong }).to be_a(ArgumentError) }
      fiber.mailbox_limit = 3
      expect(fiber.mailbox_limit).to eq(3)
    end
  end

  it 'takes a DeadFiber of a child for no answer to send?' do
    full = waiting { suspend }
    full.mailbox_limit = 1
    full << 1
    dead = spin {}.tap(&:await)
    spin { settle; dead << 1 }
    expect { full.send?(2) }.to raise_error(Polyphony::DeadFiber, /has ended/)
    expect(full.mailbox_size).to eq(1)
  end
end
