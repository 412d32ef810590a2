# frozen_string_literal: true

require_relative '../support/fibers'

# receive with a block: the first message for which it is true; the others stay, in order.
RSpec.describe 'selective receive', :fibers do
  let!(:me) { Polyphony.current }

  def send_all(*messages) = messages.each { |message| me << message }

  it 'can be nil, false or an Exception that is received' do
    error = IOError.new('x')
    send_all(1, nil, false, error)
    expect(receive(&:nil?)).to be_nil
    expect(receive { |m| m == false }).to be(false)
    expect(receive { |m| m.is_a?(Exception) }).to equal(error)
    expect(receive).to eq(1)
  end

  it 'leaves the mailbox as it is when its block raises' do
    send_all(1, 2, 3)
    expect(error_of { receive { |m| m == 2 ? raise(IOError) : false } }).to be_a(IOError)
    expect(Polyphony.receive_pending).to eq([1, 2, 3])
    send_all(4)
    expect(receive(timeout: 0)).to eq(4)
  end

  it 'leaves it when its block breaks or throws' do
    send_all(1, 2)
    expect(receive { break :out }).to eq(:out)
    expect(catch(:out) { receive { throw :out, 5 } }).to eq(5)
    expect(Polyphony.receive_pending).to eq([1, 2])
  end

  it 'leaves it when it is interrupted, or its time is over' do
    send_all(1, 2)
    expect(move_on_after(0.001, with_value: :late) { receive { false } }).to eq(:late)
    expect(error_of { receive(timeout: 0.001) { false } }).to be_a(Polyphony::TimeoutError)
    expect(Polyphony.receive_pending).to eq([1, 2])
  end

  it 'looks at all that is there before a timeout of 0 is over' do
    send_all(*1..100)
    expect(receive(timeout: 0) { |m| m == 100 }).to eq(100)
    expect(error_of { receive(timeout: 0) { |m| m == 100 } }).to be_a(Polyphony::TimeoutError)
    expect(me.mailbox_size).to eq(99)
  end

  it 'has one time limit for all messages together' do
    chatter = spin_loop { me << :noise; snooze }
    expect(error_of { receive(timeout: 0.01) { |m| m != :noise } }).to be_a(Polyphony::TimeoutError)
    chatter.stop
  end

  it 'lets its block wait, while messages come' do
    send_all(1)
    spin { send_all(2, 3) }
    shown = []
    expect(receive { |m| shown << m; 3.times { snooze }; m == 3 }).to eq(3)
    expect(shown).to eq([1, 2, 3])
    expect(Polyphony.receive_pending).to eq([1, 2])
  end

  describe 'whose block receives, too' do
    it 'what was passed over' do
      send_all(1, 2, 3, 4)
      inner = nil
      expect(receive { |m| m == 3 && (inner = receive) }).to eq(3)
      expect([inner, *Polyphony.receive_pending]).to eq([1, 2, 4])
    end

    it 'the very message that is shown: then it is not received a second time' do
      send_all(1, 2, 3)
      shown = []
      expect(receive { |m| shown << m; receive if m == 1; true }).to eq(2)
      expect([shown, Polyphony.receive_pending]).to eq([[1, 2], [3]])
    end

    it 'what comes later' do
      send_all(1, 2, 3, 4)
      inner = nil
      expect(receive { |m| inner ||= receive { |n| n == 3 }; m == 4 }).to eq(4)
      expect([inner, *Polyphony.receive_pending]).to eq([3, 1, 2])
    end

    it 'all there is' do
      send_all(1, 2, 3)
      taken = []
      spin { settle; send_all(4, 5) }
      expect(receive { |m| taken.concat(Polyphony.receive_pending) if m == 2; m == 5 }).to eq(5)
      expect([taken, Polyphony.receive_pending]).to eq([[1, 2, 3], [4]])
    end

    it 'equal messages, each once' do
      send_all(:a, :b, :a, :a)
      inner = nil
      expect(receive { |m| m == :b && (inner = receive { |n| n == :a }) }).to eq(:b)
      expect([inner, Polyphony.receive_pending]).to eq([:a, %i[a a]])
    end
  end

  it 'works in several fibers of one parent, each on its own mailbox' do
    fibers = Array.new(20) { |i| spin { receive { |m| m == i } } }
    20.times { |m| fibers.each { |fiber| fiber.send?(m) } }
    expect(fibers.map(&:await)).to eq((0...20).to_a)
  end

  it 'works in an Enumerator, on the mailbox of the fiber that runs it' do
    numbers = Enumerator.new { |y| loop { y << receive { |m| m.is_a?(Integer) } } }
    send_all(:x, 1, :y, 2)
    expect([numbers.next, numbers.next]).to eq([1, 2])
    expect(Polyphony.receive_pending).to eq(%i[x y])
  end
end
