# frozen_string_literal: true

require 'tmpdir'

# A suite of one example that hangs, run by a second rspec under this suite's own helper.
RSpec.describe 'the watchdog of the suite' do
  let(:dir) { Dir.mktmpdir }

  after { FileUtils.remove_entry(dir) }

  def run_suite(body, **env)
    spec = File.join(dir, 'hanging_spec.rb')
    File.write(spec, "RSpec.describe('this') { it('hangs') { #{body} } }\n")
    flags = ['-S', 'rspec', '-I', File.join(ROOT, 'spec'), '--require', 'spec_helper', '--options', '/dev/null', spec]
    run_ruby(nil, flags: flags, env: env.transform_keys(&:to_s), chdir: dir)
  end

  it 'ends a suite whose example waits for ever, and shows where it waits' do
    _, err, status = run_suite('Queue.new.pop', POLYPHONY_SPEC_TIMEOUT: '1')
    expect(status.exitstatus).to eq(Support::Watchdog::EXIT_STATUS)
    expect(err).to include('"this hangs"').and include('took more than 1.0 s').and include('hanging_spec.rb:1:in')
  end

  it 'kills the processes that the example had started' do
    fifo = File.join(dir, 'fifo')
    File.mkfifo(fifo)
    reading = Thread.new { File.read(fifo) }
    # A group of its own, so that nobody but the watchdog ends it.
    run_suite("spawn('echo started; exec sleep 600', out: #{fifo.dump}, pgroup: true); Queue.new.pop",
              POLYPHONY_SPEC_TIMEOUT: '1')
    # The end of the file comes only when every process that holds the pipe is gone.
    expect(reading.value).to eq("started\n")
  end

  it 'ends a suite that is stuck in C with the GVL held' do
    stuck = 'require "fiddle"; pause = Fiddle::Handle::DEFAULT["pause"]; ' \
            'Fiddle::Function.new(pause, [], Fiddle::TYPE_INT, need_gvl: true).call'
    _, err, status = run_suite(stuck, POLYPHONY_SPEC_TIMEOUT: '1', POLYPHONY_SPEC_GRACE: '1')
    expect(status).to be_signaled
    expect(err).to include('not even from other threads').and include('hanging_spec.rb:1')
  end
end
