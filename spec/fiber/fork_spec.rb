# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'fork in a fiber' do
  def program(body)
    run_ruby("require 'polyphony/core'\n$stdout.sync = true\nPolyphony.run do\n#{body}\nend\n")
  end

  it 'gives the child its own loop and only the forking fiber; the parent is untouched' do
    out, err, status = program(<<~RUBY)
      ticks = 0
      ticker = Polyphony.spin { loop { sleep 0; ticks += 1 } }
      Polyphony.spin do
        pid = fork do
          fiber = Polyphony.spin { sleep 0.001; :in_child }
          puts fiber.await, Polyphony.current.children.size
          puts((ticker.await rescue $!.class), ticker.alive?)
        end
        puts Process.wait2(pid).last.exitstatus
      end.await
      puts ticker.alive?
    RUBY
    expect(err).to eq('')
    expect(out).to eq("in_child\n0\nPolyphony::DeadFiber\nfalse\n0\ntrue\n")
    expect(status).to be_success
  end

  it 'without a block goes on in that fiber and ends with its status' do
    out, err, = program(<<~RUBY)
      Polyphony.spin do
        at_exit { puts 'at_exit in ' + ($parent == Process.pid ? 'parent' : 'child') }
        $parent = Process.pid
        if (pid = fork)
          puts Process.wait2(pid).last.exitstatus
        else
          sleep 0.001
          puts 'child'
        end
      end.await
    RUBY
    expect(err).to eq('')
    expect(out).to eq("child\nat_exit in child\n0\nat_exit in parent\n")
  end

  it 'without a block ends the child with 1 and the error printed if it fails, and with the status of exit' do
    out, err, status = program(<<~RUBY)
      Polyphony.spin do
        [-> { raise IOError, 'in child' }, -> { exit 5 }].each do |ending|
          pid = fork
          ending.call unless pid
          puts Process.wait2(pid).last.exitstatus
        end
      end.await
    RUBY
    expect(out).to eq("1\n5\n")
    expect(err.scan('in child (IOError)').size).to eq(1)
    expect(status).to be_success
  end
end
