# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'a deadlock' do
  it 'raises Polyphony::Deadlock in main, saying who waits where' do
    _, err, status = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        a = b = nil
        a = Polyphony.spin(:a) { b.await }
        b = Polyphony.spin(:b) { Polyphony.receive }
        a.await
      end
    RUBY
    expect(err).to include('Polyphony::Deadlock')
    expect(err).to match(/:a .*:4 waiting await/).and match(/:b .*:5 waiting receive/)
    expect(status.exitstatus).to eq(1)
  end

  it 'can be rescued, and the program goes on' do
    out, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        begin
          Queue.new.pop
        rescue Polyphony::Deadlock => e
          puts e.class
        end
        puts Polyphony.spin { 5 }.await
      end
    RUBY
    expect(out).to eq("Polyphony::Deadlock\n5\n")
  end

  it 'of a child that waits for ever in its ensure block ends it' do
    out, err, status = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        Polyphony.spin do
          Polyphony.receive
        ensure
          begin
            Polyphony.receive
          ensure
            puts 'out'
          end
        end
        Polyphony.snooze
      end
    RUBY
    expect([out, status.exitstatus]).to eq(["out\n", 1])
    expect(err).to include('Polyphony::Deadlock')
  end

  # Ends such programs from outside: they wait for a signal.
  def ended_by_signal(body)
    code = "require 'polyphony/core'\n$stdout.sync = true\nPolyphony.run do\nputs 'ready'\n#{body}\nend\nputs 'went on'\n"
    Tempfile.create(['wait', '.rb']) do |file|
      file.write(code)
      file.close
      IO.popen([RbConfig.ruby, *Support::RunRuby::LOAD_PATH, file.path, err: %i[child out]]) do |io|
        io.gets
        # Idle: what it does next, it does because of the signal.
        sleep 0.01 until File.read("/proc/#{io.pid}/stat").split(') ').last.start_with?('S')
        Process.kill(:USR1, io.pid)
        io.read
      end
    end
  end

  it 'is none while a signal handler may wake somebody' do
    expect(ended_by_signal("me = Polyphony.current\ntrap(:USR1) { me << 1 }\nputs Polyphony.receive"))
      .to eq("1\nwent on\n").or eq("ready\n1\nwent on\n")
  end

  it 'is none for sleep without end' do
    expect(ended_by_signal("begin\nsleep\nrescue SignalException => e\nputs e.message\nend")).to eq("SIGUSR1\nwent on\n")
  end

  it 'is none while another thread lives' do
    out, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      Polyphony.run do
        me = Polyphony.current
        gate = Queue.new
        thread = Thread.new { gate.pop; me << :from_thread }
        Polyphony.spin { gate << 1 }
        p Polyphony.receive
      end
    RUBY
    expect(out).to eq(":from_thread\n")
  end
end
