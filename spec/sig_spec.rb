# frozen_string_literal: true

require 'polyphony/core'
require 'polyphony/console' # and main, which adopts no script here: rspec's is none
require 'polyphony/cli'
require 'polyphony/http'
require 'polyphony/http/rack/handler'
require 'polyphony/http/tls'
require 'polyphony/http/operation'
require 'polyphony/testing'
%w[sqlite3 trilogy sequel active_record active_record/postgresql active_record/sqlite3].each { |name| require "polyphony/adapters/#{name}" }
require 'polyphony/adapters/redis'
require 'polyphony/adapters/postgres'
require 'tempfile'
require_relative 'support/rbs'

# sig/ says what the methods of lib/ and ext/ take and give. It is checked three ways: against itself, against
# the methods that there are, and against real calls.
RSpec.describe 'The signatures in sig/' do
  def rbs(*arguments)
    run_ruby(nil, flags: ['-S', 'rbs', '-r', 'socket', '-r', 'openssl', '-I', Signatures::DIR, *arguments])
  end

  def names(folder, extension)
    Dir.chdir(File.join(ROOT, folder)) { Dir.glob("**/*.#{extension}") }.map { |file| file.delete_suffix(".#{extension}") }
  end

  it 'are valid' do
    result = rbs('validate')
    expect([result.stderr, result.status.exitstatus]).to eq(['', 0])
  end

  it 'lie beside what they are of: a file for each file of lib/, and one for the class that is only in C' do
    expect(names('sig', 'rbs') - names('lib', 'rb')).to eq(['polyphony/backend'])
  end

  it 'cover every public method, and only methods that there are' do
    missing = []
    extra = []
    Signatures.modules.each do |mod|
      { '#' => [mod.public_instance_methods(false), false], '.' => [mod.singleton_methods(false), true] }.each do |sign, (there, singleton)|
        signed = Signatures.signed(mod, singleton: singleton)
        missing.concat((there - signed).map { |name| "#{mod}#{sign}#{name}" })
        extra.concat((signed - there - Signatures::CONDITIONAL - %i[initialize new]).map { |name| "#{mod}#{sign}#{name}" })
      end
    end
    expect(missing - Signatures::INTERNAL_METHODS).to eq([])
    expect(extra).to eq([])
  end

  it 'cover the modules, and list as internal only those that there are' do
    expect(Signatures.modules).to include(Polyphony::Scheduler::Task, Polyphony::Backend, Polyphony::CancelScope, Polyphony::Fiber)
    Dir.glob(File.join(ROOT, 'lib/polyphony/{main,cli}/*.rb')).each { |file| require file }
    expect((Signatures::INTERNAL + Signatures::INTERNAL_BELOW).map { |name| Polyphony.const_get(name) }).to all(be_a(Module))
  end

  it 'cover what is added to Ruby itself, no more and no less' do
    result = run_ruby(<<~RUBY)
      before = [Kernel.private_instance_methods(false), Fiber.singleton_methods(false), Thread.instance_methods(false)]
      require 'polyphony/core'
      require 'polyphony/kernel'
      after = [Kernel.private_instance_methods(false), Fiber.singleton_methods(false), Thread.instance_methods(false)]
      after.zip(before) { |now, then_| puts (now - then_).sort.join(' ') }
    RUBY
    added = result.stdout.lines.map { |line| line.split.map(&:to_sym) }
    signed = [[Kernel, false], [Fiber, true], [Thread, false]].map { |mod, one| Signatures.signed(mod, singleton: one).sort }
    expect(signed).to eq(added)
  end

  # The hooks of rbs are frames, and blocks, between a caller and the method: examples about source locations
  # fail with them in place. What counts here is that no call disagrees with its signature.
  { 'of adapters' => [%w[polyphony/adapters/sqlite3], %w[spec/adapters/sqlite3/statements_spec.rb spec/adapters/sqlite3/transactions_spec.rb]],
    'of fibers and of the backend' => [%w[polyphony/core], %w[spec/fiber spec/backend]],
    'of the server' => [%w[polyphony/http polyphony/http/tls], %w[request response body static takeover tls server].map { |name| "spec/http/server/#{name}_spec.rb" }] }.each do |title, (features, specs)|
    it "fit all calls that the specs #{title} make", timeout: 110 do
      Tempfile.create('calls') do |report|
        files = specs.map { |path| File.join(ROOT, path) }
        result = run_ruby(nil, env: { 'POLYPHONY_CALLS' => report.path, 'POLYPHONY_SPEC_TIMEOUT' => '60' }, chdir: ROOT, timeout: 100,
                      flags: [*features, File.join(ROOT, 'spec/support/rbs')].flat_map { |file| ['-r', file] } + ['-S', 'rspec', *files])
        calls, *misfits = report.read.lines.map(&:chomp)
        expect(calls.to_i).to be > 1000, result.stderr
        expect(misfits).to eq([])
      end
    end
  end
end
