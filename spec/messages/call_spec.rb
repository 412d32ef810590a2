# frozen_string_literal: true

require_relative '../support/fibers'
require 'polyphony/thread'

RSpec.describe 'fiber.call', :fibers do
  let!(:me) { Polyphony.current }

  # Answers [:double, n]; holds what else comes, in `held`; :fail, :raise and :stop do so.
  def serve(held = [])
    spin do
      receive_loop do |message|
        case message
        in Polyphony::Call[:double, n] => call then call.reply(n * 2)
        in Polyphony::Call[:fail, *arguments] => call then call.fail(*arguments)
        in Polyphony::Call[:raise, error] then raise error
        in Polyphony::Call(message: :stop) then break
        else held << message
        end
      end
    end
  end

  it 'gives what the server replies, nil too' do
    server = serve
    expect([server.call([:double, 2]), server.call([:double, 'x'])]).to eq([4, 'xx'])
    answerer = spin { receive.reply }
    expect(answerer.call(:anything)).to be_nil
  end

  it 'raises what the server fails it with; the server goes on' do
    server = serve
    expect(error_of { server.call([:fail, ArgumentError, 'no']) }).to be_a(ArgumentError).and have_attributes(message: 'no')
    expect(error_of { server.call([:fail, 'text']) }).to be_a(RuntimeError)
    error = IOError.new('x')
    expect(error_of { server.call([:fail, error]) }).to equal(error)
    expect(server.call([:double, 1])).to eq(2)
  end

  it 'answers many callers, each with its own answer, in any order' do
    held = []
    server = serve(held)
    callers = Array.new(100) { |i| spin { server.call(i) } }
    wait_until { held.size == 100 }
    expect(held.map { |call| [call.message, call.from] }).to match_array(callers.each_with_index.map { |caller, i| [i, caller] })
    held.shuffle(random: Random.new(1)).each { |call| call.reply(call.message + 1000) }
    expect(callers.map(&:await)).to eq([*1000...1100])
  end

  it 'can be answered by anybody, later' do
    me_too = nil
    server = spin { call = receive; spin { snooze; call.reply(:from_a_child) }.await; me_too = receive; suspend }
    expect(server.call(1)).to eq(:from_a_child)
    fiber = spin { server.call(2) }
    wait_until { me_too }
    me_too.reply(:from_elsewhere)
    expect(fiber.await).to eq(:from_elsewhere)
  end

  it 'can be forwarded: then it is the end of the other that counts' do
    other = serve(held = [])
    front = spin { receive.forward(other) }
    expect(front.call([:double, 4])).to eq(8)
    front = spin { receive_loop { |call| call.forward(other) } }
    fiber = waiting { error_of { front.call(:hold) } }
    wait_until { held.any? }
    front.stop
    expect(fiber.state).to eq(:waiting)
    other.stop
    expect(fiber.await).to be_a(Polyphony::DeadFiber).and have_attributes(message: include('ended before it answered'))
  end

  it 'that cannot be forwarded stays where it is' do
    dead = spin {}.tap(&:await)
    server = spin { call = receive; error = error_of { call.forward(dead) }; call.reply(error.class) }
    expect(server.call(1)).to eq(Polyphony::DeadFiber)
  end

  describe 'to a server that does not answer' do
    it 'raises DeadFiber when it ends' do
      held = []
      server = serve(held)
      callers = Array.new(3) { waiting { error_of { server.call(:hold) } } }
      wait_until { held.size == 3 }
      expect { server.call(:stop) }.to raise_error(Polyphony::DeadFiber, /ended before it answered/)
      expect(callers.map(&:await)).to all(be_a(Polyphony::DeadFiber))
      expect(held.map { |call| call.reply(1) }).to eq([false, false, false])
    end

    it 'raises DeadFiber with its error as the cause, once, while its parent gets the error itself, once', :fifo do
      server = serve
      asker = waiting { me << error_of { server.call([:raise, IOError.new('broken')]) } }
      expect(error_of { supervise(server) }).to be_a(IOError)
      asker.await
      expect(receive).to be_a(Polyphony::DeadFiber).and have_attributes(cause: be_a(IOError))
      settle
      expect(me.mailbox_size).to eq(0)
    end

    it 'raises the error itself, once, if the caller is its parent' do
      server = serve
      expect(error_of { server.call([:raise, IOError.new('broken')]) }).to be_a(IOError)
      3.times { snooze }
      expect(error_of { server.call(1) }).to be_a(Polyphony::DeadFiber).and have_attributes(message: include('has ended'))
    end

    it 'raises DeadFiber when it is restarted, whether it had received the call or not; the new run answers' do
      started = 0
      server = spin { (started += 1) == 1 ? (receive; suspend) : receive_loop { |call| call.reply(:new_run) } }
      callers = Array.new(2) { waiting { error_of { server.call(:x) } } }
      settle
      server.restart
      expect(callers.map(&:await)).to all(be_a(Polyphony::DeadFiber).and(have_attributes(message: include('was restarted'))))
      expect(server.call(:y)).to eq(:new_run)
    end

    it 'raises DeadFiber when its supervisor restarts it' do
      runs = 0
      server = spin { (runs += 1) == 1 ? raise(IOError, receive.message) : receive.reply(:second) }
      asker = spin { [error_of { server.call('x') }, server.call('y')] }
      supervise(server, restart: :on_error) {}
      expect(asker.await).to match([be_a(Polyphony::DeadFiber), :second])
    end

    it 'raises DeadFiber when it has ended already' do
      dead = spin {}.tap(&:await)
      expect(error_of { dead.call(1) }).to be_a(Polyphony::DeadFiber)
    end

    it 'raises TimeoutError; a late answer goes nowhere' do
      held = []
      server = serve(held)
      [0, 0.001].each { |timeout| expect(error_of { server.call(:hold, timeout: timeout) }).to be_a(Polyphony::TimeoutError) }
      wait_until { held.size == 2 }
      expect(held.map { |call| [call.awaited?, call.reply(:late), call.answered?] }).to eq([[false, false, true]] * 2)
      expect(me.mailbox_size).to eq(0)
      expect(server.call([:double, 3])).to eq(6)
    end

    it 'lets its caller be stopped' do
      held = []
      server = serve(held)
      caller = waiting { server.call(:hold) }
      wait_until { held.any? }
      expect(caller.waiting_on).to start_with('call of #<Polyphony::Fiber')
      caller.stop
      expect([held.first.awaited?, held.first.reply(1)]).to eq([false, false])
      expect(move_on_after(0.001, with_value: :cut) { server.call(:hold) }).to eq(:cut)
      expect(me.mailbox_size).to eq(0)
    end

    it 'keeps an answer that came before the interruption, and drops one that came after' do
      held = []
      server = serve(held)
      [%i[answer cut], %i[cut answer]].each do |order|
        got = nil
        caller = waiting do
          got = server.call(:hold)
          suspend
        rescue IOError
          got ||= :cut
        end
        wait_until { held.last&.from.equal?(caller) }
        steps = { answer: -> { held.last.reply(:answer) }, cut: -> { caller.raise(IOError) } }
        order.each { |step| steps[step].call }
        caller.await
        expect(got).to eq(order.first)
      end
    end
  end

  it 'waits for room in a full mailbox, within its time limit' do
    server = waiting { suspend }
    server.mailbox_limit = 1
    server << :x
    expect(error_of { server.call(:y, timeout: 0.001) }).to be_a(Polyphony::TimeoutError)
    caller = waiting { error_of { server.call(:y) } }
    server.stop
    expect(caller.await).to be_a(Polyphony::DeadFiber)
  end

  it 'is refused where it could never be answered: from the fiber itself' do
    expect(error_of { me.call(1) }).to be_a(Polyphony::Error).and have_attributes(message: include('cannot call itself'))
  end

  it 'checks its timeout before anything is sent' do
    server = waiting { suspend }
    { -1 => ArgumentError, 'x' => TypeError }.each { |wrong, error| expect(error_of { server.call(1, timeout: wrong) }).to be_a(error) }
    expect(server.mailbox_size).to eq(0)
  end

  it 'takes one answer: another is an error of who gives it' do
    server = spin { call = receive; call.reply(1); [error_of { call.reply(2) }, error_of { call.fail('x') }, error_of { call.forward(me) }] }
    expect(server.call(:x)).to eq(1)
    expect(server.await).to all(be_a(Polyphony::Error).and(have_attributes(message: include('one answer only'))))
  end

  it 'shows what is asked and whether somebody waits' do
    held = []
    server = serve(held)
    caller = waiting { server.call([:x, 1]) }
    wait_until { held.any? }
    expect(held.first.inspect).to eq('#<Polyphony::Call [:x, 1] awaited>')
    held.first.reply
    expect(held.first.inspect).to eq('#<Polyphony::Call [:x, 1] answered>')
    caller.await
    caller = waiting { server.call(:y) }
    wait_until { held.size == 2 }
    caller.stop
    expect(held.last.inspect).to eq('#<Polyphony::Call :y given up>')
  end

  it 'works between threads: 4 x 50 callers, one server' do
    server = serve
    threads = Array.new(4) do |t|
      Polyphony::Thread.new { Array.new(50) { |i| spin { server.call([:double, [t, i]]) } }.map(&:await) }
    end
    plain = Thread.new { server.call([:double, 21]) }
    expect(threads.map(&:value)).to eq(Array.new(4) { |t| Array.new(50) { |i| [t, i, t, i] } })
    expect(plain.value).to eq(42)
  end

  it 'leaves nothing behind in the server' do
    server = serve
    10.times { server.call([:double, 1]) }
    expect(server.instance_variable_get(:@life).instance_variable_get(:@belongings)).to be_empty
  end
end
