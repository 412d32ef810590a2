# frozen_string_literal: true

require_relative '../support/fibers'

# Debian's libev aborts the process when a watcher outlives its descriptor: none of this may.
RSpec.describe 'descriptors under waiting fibers', :fibers do
  def pipe
    IO.pipe.tap { |ends| @ends = [*@ends, *ends] }
  end

  after { @ends&.each { |io| io.close unless io.closed? } }

  it 'closed IOs raise IOError in every call' do
    reader, writer = pipe.each(&:close)
    backend = Polyphony.backend
    calls = [-> { reader.read }, -> { reader.gets }, -> { writer.write('x') }, -> { backend.read(reader, +'', 1) },
             -> { backend.write(writer, 'x') }, -> { backend.read_loop(reader) {} }, -> { backend.accept_loop(reader) {} }]
    expect(calls.map { |call| error_of(&call) }).to all(be_a(IOError))
  end

  it 'closed by another fiber raises IOError in the waiter' do
    reader, = pipe
    waiter = waiting { error_of { reader.read(1) } }
    spin { error_of { reader.close } }.await
    expect(waiter.await).to be_a(IOError)
  end

  it 'closed by another fiber raises IOError in a read_loop' do
    reader, = pipe
    waiter = waiting { error_of { Polyphony.backend.read_loop(reader) {} } }
    spin { error_of { reader.close } }.await
    expect(waiter.await).to be_a(IOError)
  end

  it 'closed, and its number reused: the waiter ends, who reuses it is undisturbed' do
    reader, = pipe
    number = reader.fileno
    waiter = waiting { error_of { reader.read(1) } }
    error_of { reader.close }
    other_reader, other_writer = pipe
    reused = waiting { other_reader.read(1) }
    other_writer.write('n')
    expect(reused.await).to eq('n')
    expect(waiter.await).to be_a(IOError)
    expect([other_reader.fileno, other_writer.fileno]).to include(number)
  end

  it 'duplicated: each copy has its own waiter, and closing one leaves the other' do
    reader, writer = pipe
    copy = reader.dup
    @ends << copy
    first = waiting { error_of { reader.read(1) } }
    second = waiting { copy.read(1) }
    error_of { reader.close }
    expect(first.await).to be_a(IOError)
    writer.write('d')
    expect(second.await).to eq('d')
  end

  it 'reopened onto another: the waiter does not bring the process down' do
    reader, = pipe
    other_reader, other_writer = pipe
    waiter = waiting { error_of { reader.readpartial(1) } }
    error_of { reader.reopen(other_reader) }
    other_writer.write('o')
    waiter.stop
    expect(waiter).not_to be_alive
    expect(spin { sleep 0; 1 }.await).to eq(1)
  end

  it 'with two waiters: both get their turn' do
    reader, writer = pipe
    waiters = Array.new(2) { waiting { reader.readpartial(1) } }
    writer.write('a')
    wait_until { waiters.any? { |fiber| !fiber.alive? } }
    writer.write('b')
    expect(Polyphony::Fiber.await(*waiters).sort).to eq(%w[a b])
  end

  it 'whose fiber is stopped: the number can be used again' do
    10.times do
      reader, writer = pipe
      waiter = waiting { reader.read(1) }
      waiter.stop
      next_waiter = waiting { reader.read(1) }
      writer.write('x')
      expect(next_waiter.await).to eq('x')
      [reader, writer].each(&:close)
    end
  end
end
