# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'signals' do
  # Runs +body+ under Polyphony.run in a child, which says when it is ready for the signals.
  def signalled(body, *signals)
    code = <<~RUBY
      require 'polyphony/core'
      $stdout.sync = true
      def ready
        puts 'ready'
      end
      Polyphony.run do
        #{body}
      end
      puts 'went on'
    RUBY
    Tempfile.create(['signals', '.rb']) do |file|
      file.write(code)
      file.close
      out, input = IO.pipe
      err_out, err = IO.pipe
      pid = Process.spawn(RbConfig.ruby, *Support::RunRuby::LOAD_PATH, file.path, out: input, err: err)
      [input, err].each(&:close)
      seen = +''
      signals.each do |signal|
        while (line = out.gets) != "ready\n"
          seen << line
        end
        Process.kill(signal, pid)
      end
      seen << out.read
      [seen, err_out.read, Process.wait2(pid).last]
    ensure
      [out, err_out].each(&:close)
    end
  end

  it 'INT is raised in main although another fiber is running' do
    out, err, status = signalled(<<~RUBY, :INT)
      Polyphony.spin do
        ready
        loop { Polyphony.snooze }
      rescue Interrupt
        puts 'wrong fiber'
      end
      begin
        Polyphony.suspend
      rescue Interrupt
        puts 'main'
        raise
      end
    RUBY
    expect(out).to eq("main\n")
    expect([status.signaled?, status.termsig]).to eq([true, Signal.list['INT']])
    expect(err).to include('Interrupt')
  end

  it 'INT is raised in main although another fiber computes' do
    out, = signalled(<<~RUBY, :INT)
      Polyphony.spin do
        ready
        x = 0
        x += 1 until $main_got_it || x > 300_000_000 || (x % 1000 == 0 && Polyphony.snooze)
      end
      begin
        Polyphony.suspend
      rescue Interrupt
        $main_got_it = true
        puts 'main'
      end
    RUBY
    expect(out).to eq("main\nwent on\n")
  end

  %i[TERM HUP USR1 ALRM].each do |signal|
    it "#{signal} unwinds main and all fibers, then ends the process by that signal" do
      out, _, status = signalled(<<~RUBY, signal)
        Polyphony.spin do
          Polyphony.suspend
        ensure
          puts 'fiber ended'
        end
        Polyphony.snooze
        begin
          ready
          Polyphony.suspend
        ensure
          puts 'main ended'
        end
      RUBY
      expect(out).to eq("main ended\nfiber ended\n")
      expect(status.termsig).to eq(Signal.list[signal.to_s])
    end
  end

  it 'a second one cuts the ensure blocks of the fibers' do
    out, _, status = signalled(<<~RUBY, :INT, :INT)
      Polyphony.spin do
        Polyphony.suspend
      ensure
        ready
        Polyphony.suspend
      end
      Polyphony.snooze
      ready
      Polyphony.suspend
    RUBY
    expect(out).to eq('')
    expect(status.termsig).to eq(Signal.list['INT'])
  end

  it 'are the business of a handler that the program sets; it may send, stop and raise' do
    out, err, status = signalled(<<~RUBY, :USR1, :USR2, :TERM)
      worker = Polyphony.spin { loop { puts Polyphony.receive; ready } }
      Signal.trap(:USR1) { worker << 'message' }
      Signal.trap(:USR2) { main = Polyphony.current; worker << 'second' }
      Signal.trap(:TERM) { worker.raise(IOError, 'from the handler') }
      ready
      begin
        worker.await
      rescue IOError => e
        puts e.message
      end
    RUBY
    expect([out, err, status.exitstatus]).to eq(["message\nsecond\nfrom the handler\nwent on\n", '', 0])
  end

  it 'have their own handlers back after run' do
    out, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      before = trap(:INT, 'DEFAULT')
      Polyphony.run { trap(:TERM) { } }
      p [before, trap(:INT, 'DEFAULT'), trap(:TERM, 'DEFAULT').class]
    RUBY
    expect(out).to eq("[\"DEFAULT\", \"DEFAULT\", Proc]\n")
  end

  # Each of them once stopped the program for ever: the end of main was never told to who waited for it.
  %i[wind_up end_children await_children bury notify_awaiters disconnect child_finished].each do |place|
    it "that come in the midst of our own code, in #{place}, are raised after it" do
      code = <<~RUBY
        sent = false
        TracePoint.new(:call) do |event|
          next if sent || event.method_id != :#{place} || event.self.tag != :main
          sent = true
          Process.kill(:INT, Process.pid)
        end
      RUBY
      out, err, status = run_ruby(<<~RUBY)
        require 'polyphony'
        TRACE = eval(#{code.inspect}, binding, #{File.join(ROOT, 'lib/polyphony/here.rb').inspect})
        spin { suspend } if #{%i[end_children await_children].include?(place)}
        snooze
        puts 'at its end'
        TRACE.enable
      RUBY
      expect([out, status.termsig]).to eq(["at its end\n", Signal.list['INT']])
      expect(err).to include('Interrupt')
    end
  end
end
