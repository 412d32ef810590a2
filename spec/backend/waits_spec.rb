# frozen_string_literal: true

require_relative '../support/backend'

RSpec.describe 'Polyphony::Backend: sleep, snooze, wait_io, waitpid, stats', :backend do
  it 'sleeps in the order of the durations, and returns nil' do
    order = []
    fibers = [0.03, 0.01, 0.02].map { |s| spin { backend.sleep(s).tap { order << s } } }
    expect(fibers.map(&:await)).to eq([nil, nil, nil])
    expect(order).to eq([0.01, 0.02, 0.03])
  end

  it 'sleeps for ever without a duration, until it is stopped' do
    sleeper = spin { backend.sleep }
    wait_for(sleeper)
    sleeper.stop(:stopped)
    expect(sleeper.await).to eq(:stopped)
  end

  it 'refuses durations that are none' do
    expect { backend.sleep(-1) }.to raise_error(ArgumentError, /negative/)
    expect { backend.sleep(Float::NAN) }.to raise_error(FloatDomainError)
    expect { backend.sleep('1') }.to raise_error(TypeError)
    expect { backend.sleep(1, 2) }.to raise_error(ArgumentError)
  end

  it 'lets every other runnable fiber run once' do
    log = []
    fibers = Array.new(3) { |i| spin { 2.times { log << i && backend.snooze } } }
    fibers.each(&:await)
    expect(log).to eq([0, 1, 2, 0, 1, 2])
  end

  it 'waits until an IO is readable or writable, and gives it' do
    reader, writer = pipe
    readable = spin { backend.wait_io(reader) }
    wait_for(readable)
    writer.write('x')
    expect(readable.await).to equal(reader)
    expect(backend.wait_io(writer, true)).to equal(writer)
    expect(reader.read_nonblock(1)).to eq('x')
  end

  it 'gives nil when the time is up' do
    reader, = pipe
    expect(backend.wait_io(reader, false, 0.001)).to be_nil
    expect(backend.wait_io(reader, false, 0)).to be_nil
  end

  it 'does not wait for what Ruby has read ahead' do
    reader, writer = pipe
    writer.write("line\nmore")
    reader.gets
    expect(backend.wait_io(reader)).to equal(reader)
  end

  it 'refuses to wait for what is no IO, is closed, or with a wrong timeout' do
    reader, = pipe
    expect { backend.wait_io(nil) }.to raise_error(TypeError)
    expect { backend.wait_io(reader, false, -1) }.to raise_error(ArgumentError, /negative/)
    expect { backend.wait_io(reader, false, 'x') }.to raise_error(TypeError)
    reader.close
    expect { backend.wait_io(reader) }.to raise_error(IOError, /closed/)
  end

  it 'waits for a child process, beside other fibers' do
    reader, writer = pipe
    child = Process.spawn('read line; exit 7', in: reader)
    waiter = spin { backend.waitpid(child) }
    wait_for(waiter)
    expect(waiter.waiting_on).to eq("process #{child}")
    writer.write("go\n")
    pid, status = waiter.await
    expect([pid, status.exitstatus]).to eq([child, 7])
  end

  it 'says that a process is no child' do
    expect { backend.waitpid(Process.ppid) }.to raise_error(Errno::ECHILD)
    expect { backend.waitpid(2**22 + 1) }.to raise_error(SystemCallError)
    expect { backend.waitpid('1') }.to raise_error(TypeError)
  end

  it 'counts what the scheduler does' do
    before = backend.stats
    wait_for(*sleepers = Array.new(3) { spin { sleep } })
    stats = backend.stats
    expect(stats.keys).to include(:backend, :fibers, :spawned, :switches, :polls, :waits, :ready, :waiting, :watches)
    expect(stats[:backend]).to eq(backend.kind.to_s)
    expect(stats[:fibers]).to eq(before[:fibers] + 3)
    expect(stats[:spawned]).to eq(before[:spawned] + 3)
    expect(stats[:switches]).to be > before[:switches]
    expect(stats[:waiting]).to be >= 3
    sleepers.each(&:stop)
    expect(backend.stats[:fibers]).to eq(before[:fibers])
  end
end

RSpec.describe 'Thread#backend outside of Polyphony.run' do
  it 'works from a blocking root fiber, in any thread, and is one object' do
    results = Array.new(2) do
      Thread.new do
        reader, writer = IO.pipe
        fiber = Polyphony.spin { Polyphony.backend.read(reader) }
        Polyphony.backend.write(writer, 'across')
        [fiber.await, Polyphony.backend]
      ensure
        [reader, writer].each(&:close)
      end.value
    end
    expect(results.map(&:first)).to eq(%w[across across])
    expect(results.map(&:last).uniq.size).to eq(1)
  end
end
