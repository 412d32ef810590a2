# frozen_string_literal: true

require_relative '../spec_helper'
require 'tmpdir'

# Real runs of RSpec and Minitest, with examples that pass and some that fail.
RSpec.describe 'require polyphony/testing/rspec' do
  def rspec(code, *arguments, env: {})
    Dir.mktmpdir do |dir|
      File.write(File.join(dir, 'x_spec.rb'), "require 'polyphony/testing/rspec'\n#{code}")
      run_ruby(nil, chdir: dir, env: { 'POLYPHONY_SHUFFLE' => nil, 'SPEC_OPTS' => nil }.merge(env),
                    flags: ['-S', 'rspec', '-O', File::NULL, '-f', 'd', 'x_spec.rb', *arguments])
    end
  end

  def closing(result)
    result.stdout[/^\d+ examples?, .*/]
  end

  it 'runs what is marked as a fiber, hooks too, and nothing else' do
    result = rspec(<<~RUBY)
      RSpec.describe 'marked', :polyphony do
        let(:made) { Fiber.current.blocking? }
        before { @before = Polyphony.current }
        after { expect(Polyphony.current).to be(@before) }
        it('is a fiber') { expect([made, clock]).to eq([false, nil]) }
        it('ends its fibers') { Polyphony.spin { sleep } }
        it('waits') { expect(Polyphony.spin { sleep(0) && 1 }.await).to eq(1) }
      end
      RSpec.describe('not marked') { it('is none') { expect([Fiber.current.blocking?, respond_to?(:clock)]).to eq([true, false]) } }
    RUBY
    expect([closing(result), result.stderr]).to eq(['4 examples, 0 failures', ''])
  end

  it 'fails an example by what its fibers fail with, in it or at its end' do
    result = rspec(<<~RUBY, '--order', 'defined')
      RSpec.describe 'x', :polyphony do
        it('meanwhile') { Polyphony.spin { raise 'meanwhile' } and sleep }
        it('at the end') { Polyphony.spin { begin sleep ensure raise 'at the end' end } and Polyphony.snooze }
        it('expects') { expect(1).to eq(2) }
        it('passes') { nil }
      end
    RUBY
    expect(closing(result)).to eq('4 examples, 3 failures')
    expect(result.stdout).to include("RuntimeError:\n       meanwhile").and include("RuntimeError:\n       at the end")
    expect(result.stdout).not_to include('shuffled')
  end

  it 'gives a virtual clock' do
    result = rspec(<<~RUBY)
      RSpec.describe 'x', :polyphony, clock: :virtual do
        before { sleep 1800 }
        it('is late') { sleep(1800) and expect(clock.now).to eq(3600.0) }
        it('has a threshold', threshold: 0.001) { expect(clock.threshold).to eq(0.001) }
      end
    RUBY
    expect(closing(result)).to eq('2 examples, 0 failures')
  end

  it 'shuffles with a seed, and tells it when the example fails' do
    example = <<~RUBY
      RSpec.describe 'x', :polyphony do
        it('is racy', seed: SEED) do
          log = []
          Array.new(12) { |i| Polyphony.spin { log << i } }.each(&:await)
          raise "seed \#{Polyphony::Testing.seed}: \#{log}" unless log == log.sort
        end
      end
    RUBY
    result = rspec(example.sub('SEED', '11'))
    expect(closing(result)).to eq('1 example, 1 failure')
    expect(result.stdout).to match(%r{seed 11: \[.*shuffled: repeat with POLYPHONY_SHUFFLE=11 rspec ./x_spec.rb:3}m)

    own = rspec(example.sub('SEED', 'true'), '--seed', '77')
    expect(own.stdout).to match(/seed 77: .*POLYPHONY_SHUFFLE=77/m)
    again = rspec(example.sub('SEED', 'true'), env: { 'POLYPHONY_SHUFFLE' => '77' })
    expect(again.stdout[/seed 77: \[.*\]/]).to eq(own.stdout[/seed 77: \[.*\]/])
    plain = rspec(example.sub('seed: SEED', 'leaks: true'), env: { 'POLYPHONY_SHUFFLE' => '5' })
    expect(plain.stdout).to match(/seed 5: .*POLYPHONY_SHUFFLE=5/m)
    expect(closing(rspec(example.sub('SEED', 'nil')))).to eq('1 example, 0 failures')
  end

  it 'fails an example that leaves something behind' do
    result = rspec(<<~RUBY, '--order', 'defined')
      RSpec.describe 'x', :polyphony do
        it('leaks') { $kept = IO.pipe }
        it('leaks a thread') { $thread = Thread.new { sleep } }
        it('may leak', leaks: false) { $more = IO.pipe }
        it('may leak threads', leaks: { ignore: :threads }) { $other = Thread.new { sleep } }
        it('fails by itself') { $third = IO.pipe and raise 'failed' }
        it('passes') { IO.pipe.each(&:close) }
      end
    RUBY
    expect(closing(result)).to eq('6 examples, 3 failures')
    expect(result.stdout.scan(/this was left behind|these were left behind/).size).to eq(2)
    expect(result.stdout).to match(/descriptor \d+ #<IO:fd \d+> pipe:/).and match(/thread #<Thread:.*x_spec.rb:4/)
  end
end

RSpec.describe 'require polyphony/testing/minitest' do
  def minitest(code, *arguments, env: {})
    run_ruby(<<~RUBY, *arguments, env: { 'POLYPHONY_SHUFFLE' => nil, 'MT_NO_PLUGINS' => '1' }.merge(env))
      require 'minitest/autorun'
      require 'polyphony/testing/minitest'
      #{code}
    RUBY
  end

  def closing(result)
    result.stdout[/^\d+ runs?, .*/]
  end

  it 'runs each test as a fiber, with setup and teardown' do
    result = minitest(<<~RUBY)
      class FibersTest < Minitest::Test
        include Polyphony::Testing::Minitest
        def setup = @setup = Polyphony.current
        def teardown = assert_same(@setup, Polyphony.current)
        def test_fiber = assert_equal([false, nil], [Fiber.current.blocking?, clock])
        def test_ends = Polyphony.spin { sleep }
        def test_waits = assert_equal(1, Polyphony.spin { sleep(0) && 1 }.await)
      end
      class OtherTest < Minitest::Test
        def test_none = assert(Fiber.current.blocking?)
      end
    RUBY
    expect([closing(result), result.stderr]).to eq(['4 runs, 6 assertions, 0 failures, 0 errors, 0 skips', ''])
  end

  it 'fails a test by what its fibers fail with, and by what it leaves behind' do
    result = minitest(<<~RUBY)
      class FailingTest < Minitest::Test
        include Polyphony::Testing::Minitest
        def test_meanwhile = Polyphony.spin { raise 'meanwhile' } && sleep
        def test_at_the_end = Polyphony.spin { begin sleep ensure raise 'at the end' end } && Polyphony.snooze
        def test_leaks = $kept = IO.pipe
        def test_asserts = assert_equal(1, 2)
        def test_skips = skip
        def test_passes = nil
      end
    RUBY
    expect(closing(result)).to eq('6 runs, 1 assertions, 2 failures, 2 errors, 1 skips')
    expect(result.stdout).to include('RuntimeError: meanwhile').and include('RuntimeError: at the end').and include('these were left behind')
    expect(result.stdout).not_to include('shuffled')
  end

  it 'takes options: clock, seed, leaks, for a class and those below it' do
    result = minitest(<<~RUBY, '--seed', '4711')
      class BaseTest < Minitest::Test
        include Polyphony::Testing::Minitest
        polyphony clock: :virtual, seed: 11, leaks: false
      end
      class BelowTest < BaseTest
        def test_late
          sleep 3600
          $kept = IO.pipe
          assert_equal([3600.0, 11], [clock.now, Polyphony::Testing.seed])
        end
        def test_fails = flunk('no')
        def test_breaks = raise('no')
      end
      class OwnTest < BaseTest
        polyphony seed: true
        def test_seed = assert_equal([4711, nil], [Polyphony::Testing.seed, clock])
        def test_flunks = flunk
      end
    RUBY
    expect(closing(result)).to eq('5 runs, 4 assertions, 2 failures, 1 errors, 0 skips')
    expect(result.stdout.scan(/shuffled: repeat with (\S+)/).flatten.sort).to eq(%w[POLYPHONY_SHUFFLE=11) POLYPHONY_SHUFFLE=11) POLYPHONY_SHUFFLE=4711)])
  end
end
