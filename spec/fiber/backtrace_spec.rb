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
    failing = [after(0) { fail_here }, spin_loop { fail_here }]
    failing.each do |fiber|
      lines = error_of { fiber.await }.backtrace
      error_of { snooze }
      expect(lines).to include("spun at #{__FILE__}:#{line}")
    end
  end

  it 'of a frozen error is left as it is' do
    frozen = RuntimeError.new('frozen').freeze
    fiber = spin { raise frozen }
    expect(error_of { fiber.await }).to be_a(StandardError)
  end
end
