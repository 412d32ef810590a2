# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'the backtrace of a fiber', :fibers do
  def fail_here
    raise 'here'
  end

  it 'has its own frames, then the chain of spin sites, and none of ours' do
    line = __LINE__ + 1
    outer = spin do
      inner = spin { fail_here }
      inner.await
    end
    lines = error_of { outer.await }.backtrace
    expect(lines.first).to match(/backtrace_spec.rb:\d+:in .*fail_here/)
    sites = lines.grep(/\Aspun at/)
    expect(sites.first(2)).to eq(["spun at #{__FILE__}:#{line + 1}", "spun at #{__FILE__}:#{line}"])
    expect(lines.last(sites.size)).to eq(sites)
    expect(lines.grep(%r{lib/polyphony/})).to be_empty
  end

  it 'is completed once, by the fiber that failed' do
    first = spin { fail_here }
    second = spin { first.await }
    lines = error_of { second.await }.backtrace
    error_of { snooze }
    expect(lines.grep(/\Aspun at/).size).to eq(lines.grep(/\Aspun at/).uniq.size)
  end

  it 'names the block given to after and spin_loop, not ours around it' do
    line = __LINE__ + 1
    errors = [error_of { after(0) { fail_here }.await }, error_of { spin_loop { fail_here }.await }]
    expect(errors.map(&:backtrace)).to all(include("spun at #{__FILE__}:#{line}"))
    expect(errors.flat_map(&:backtrace).grep(%r{lib/polyphony/})).to eq([])
  end

  def lines_of(error)
    error.backtrace.map { |line| line.delete_prefix("#{__dir__}/") }
  end

  def sites_of(error)
    lines_of(error).grep(/\A(spun|scope) at/).map { |line| line.sub("#{__FILE__}:", '') }.grep(/at \d/)
  end

  it 'begins at the wait that the error was raised in, not at the hook behind it' do
    line = __LINE__ + 1
    fiber = waiting { sleep 3600 }
    fiber.raise('from outside')
    expect(lines_of(error_of { fiber.await }).first).to match(/\Abacktrace_spec\.rb:#{line}:in .*sleep'\z/)
    reader, writer = IO.pipe
    fiber = waiting { reader.readpartial(1) }
    fiber.raise('from outside')
    expect(lines_of(error_of { fiber.await }).first).to match(/\Abacktrace_spec\.rb:#{line + 4}:in .*readpartial'\z/)
    [reader, writer].each(&:close)
  end

  it 'has frames of the standard library, which may be to blame' do
    fiber = spin { [3, 1].lazy.map { |i| Integer("x#{i}") }.to_a }
    error = error_of { fiber.await }
    expect(lines_of(error).join("\n")).to match(/Integer'.*\n.*each/m)
    require 'json'
    fiber = spin { JSON.parse('{') }
    expect(error_of { fiber.await }.backtrace.grep(%r{/json/}).size).to be >= 1
  end

  it 'of a cause has none of our frames, either' do
    fiber = spin do
      spin { fail_here }.await
    rescue RuntimeError
      begin
        receive(timeout: 0.001)
      rescue Polyphony::TimeoutError
        raise 'second'
      end
    end
    error = error_of { fiber.await }
    causes = [error.cause, error.cause.cause].compact
    expect(causes.map(&:class)).to eq([Polyphony::TimeoutError, RuntimeError])
    expect(causes.flat_map(&:backtrace).grep(%r{lib/polyphony/})).to eq([])
  end

  it 'names the scope that a fiber was spun into' do
    line = __LINE__ + 2
    error = error_of do
      Polyphony.scope do |scope|
        scope.spin { fail_here }
      end
    end
    expect(sites_of(error)).to eq(["spun at #{line + 1}", "scope at #{line}"])
  end

  it 'after a restart has the chain once' do
    runs = 0
    line = __LINE__ + 1
    fiber = waiting { (runs += 1) == 1 ? suspend : fail_here }
    fiber.restart
    expect(sites_of(error_of { fiber.await })).to eq(["spun at #{line}"])
  end

  it 'of a thread ends where the thread was made' do
    line = __LINE__ + 1
    thread = Polyphony::Thread.new do
      Polyphony.spin { fail_here }.await
    end
    thread.report_on_exception = false
    error = error_of { thread.await }
    expect(sites_of(error)).to eq(["spun at #{line + 1}", "spun at #{line}"])
    expect(error.backtrace.grep(%r{lib/polyphony/})).to eq([])
  end

  it 'of an error that goes through several fibers names where it came from' do
    line = __LINE__ + 1
    first = spin { fail_here }
    second = spin { first.await }
    third = spin { second.await }
    errors = [error_of { third.await }, error_of { supervise }, error_of { second.await }, error_of { first.await }].compact
    expect(errors.map { |error| sites_of(error) }.uniq).to eq([["spun at #{line}"]])
    expect(errors.uniq(&:object_id).size).to eq(1)
  end

  it 'of an error that two fibers raise is that of the first' do
    error = RuntimeError.new('shared')
    line = __LINE__ + 1
    first = error_of { spin { raise error }.await }
    second = error_of { spin { raise error }.await }
    expect([first, second]).to all(equal(error))
    expect(sites_of(error)).to eq(["spun at #{line}"])
  end

  it 'is in full_message, for who prints it' do
    line = __LINE__ + 1
    error = error_of { spin { fail_here }.await }
    message = error.full_message(highlight: false, order: :top)
    expect(message.lines.first).to match(/backtrace_spec\.rb:\d+:in .*fail_here': here \(RuntimeError\)/)
    expect(message).to match(/^\s+from spun at #{Regexp.escape(__FILE__)}:#{line}$/)
  end

  it 'is there for a stack that overflowed' do
    line = __LINE__ + 2
    deeper = ->(n) { deeper.(n + 1) + 1 }
    error = error_of { spin { deeper.(0) }.await }
    expect(error).to be_a(SystemStackError)
    expect(sites_of(error)).to eq(["spun at #{line}"])
  end

  it 'of a frozen error is left as it is' do
    frozen = RuntimeError.new('frozen').freeze
    fiber = spin { raise frozen }
    error = error_of { fiber.await }
    expect(error).to be_a(StandardError)
    expect(error.backtrace.to_a.grep(/spun at/)).to eq([])
  end

  it 'of a class with backtraces of its own kind is left as it is, and the error arrives' do
    odd = Class.new(StandardError) do
      def backtrace = raise('no backtrace')
      def set_backtrace(*) = raise('no backtrace')
    end
    kinds = [odd, *[['odd'].freeze, nil].map { |lines| Class.new(StandardError) { define_method(:backtrace) { lines } } }]
    expect(kinds.map { |kind| error_of { spin { raise kind }.await }.class }).to eq(kinds)
  end

  it 'leaves backtrace_locations as they were' do
    error = error_of { spin { fail_here }.await }
    expect(error.backtrace_locations&.first&.label).to match(/fail_here/) if error.backtrace_locations
  end
end
