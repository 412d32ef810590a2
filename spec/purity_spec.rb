# frozen_string_literal: true

require 'json'
require 'tmpdir'
require_relative 'support/run_ruby'

# Nothing of Ruby, its standard library or a gem is changed by requiring Polyphony: every module that exists
# before is compared with itself after, method by method (owner, source, arity, visibility), with its constants
# and ancestors.
RSpec.describe 'purity' do
  def changes(feature)
    probe = File.expand_path('support/purity_probe.rb', __dir__)
    out, err, status = run_ruby(probe, feature)
    raise err unless status.success?

    JSON.parse(out)
  end

  nothing = { 'added' => [], 'changed' => [], 'ancestors' => [], 'constants' => ['Object::Polyphony'],
              'globals' => [], 'traps' => [], 'scheduler' => 'nil' }

  it 'polyphony/scheduler adds the constant Polyphony only' do
    expect(changes('polyphony/scheduler')).to eq(nothing)
  end

  it 'polyphony/core adds the constant Polyphony only' do
    expect(changes('polyphony/core')).to eq(nothing)
  end

  it 'polyphony/http/http1 adds the constant Polyphony only' do
    expect(changes('polyphony/http/http1')).to eq(nothing)
  end

  it 'polyphony adds the list of methods in design.md, and changes nothing' do
    verbs = %w[after cancel_after every move_on_after receive receive_loop snooze spin spin_loop supervise suspend
               throttled_loop]
    added = ['Fiber.await public', 'Fiber.select public', *verbs.map { |verb| "Kernel##{verb} private" },
             'Thread#backend public']
    expect(changes('polyphony')).to eq(nothing.merge('added' => added))
  end

  it 'the probe sees what is changed' do
    Dir.mktmpdir do |dir|
      feature = File.join(dir, 'impure.rb')
      File.write(feature, <<~RUBY)
        class String; def upcase = 'patched'; def shout = 1; end
        module Extra; end
        Array.include(Extra)
        Comparable::NEW = 1
        trap(:USR1) { }
        $impure = 1
      RUBY
      seen = changes(feature)
      expect(seen['changed']).to eq(['String#upcase'])
      expect(seen['added']).to eq(['String#shout public'])
      expect(seen['ancestors']).to eq(['Array'])
      expect(seen['constants']).to eq(['Comparable::NEW', 'Object::Extra'])
      expect([seen['traps'], seen['globals']]).to eq([['USR1'], ['$impure']])
    end
  end

  it 'a root fiber becomes a handle as a single object: its class stays as it is' do
    out, err, = run_ruby(<<~RUBY)
      require 'polyphony/core'
      before = Fiber.instance_methods(false).sort
      Polyphony.current
      p Fiber.current.singleton_class.include?(Polyphony::FiberMethods), Fiber.include?(Polyphony::FiberMethods)
      p Fiber.instance_methods(false).sort == before, Fiber.new { }.respond_to?(:await)
    RUBY
    expect([out, err]).to eq(["true\nfalse\ntrue\nfalse\n", ''])
  end
end
