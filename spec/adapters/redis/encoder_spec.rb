# frozen_string_literal: true

require 'polyphony/adapters/redis'
require_relative '../../support/run_ruby'

RSpec.describe Polyphony::Redis, '.encode' do
  def encode(command, options = nil) = described_class.encode(String.new, command, options)

  # @return [String] what redis-client makes of it
  def reference(args, options = {}) = RedisClient::RESP3.dump(RedisClient::CommandBuilder.generate(args, options))

  it 'does as redis-client does' do
    [[%w[GET k]], [['SET', :k, 1, -5, 2.5, 10**25]], [['HSET', 'h', { a: 1, 'b' => 2.5 }]], [['DEL', %w[a b], 'c']], [['SET', 'ü', "\xff\x00".b]],
     [%w[SET k v], { ex: 10, nx: true, get: false, px: nil }], [['X', '', []]]].each do |args, options = {}|
      expect(encode(args, options)).to eq(reference(args, options))
    end
  end

  it 'appends to what is there, or nothing at all' do
    buffer = described_class.encode(String.new, %w[A])
    [['SET', nil], ['SET', Object.new], ['SET', [[1]]], ['SET', { a: [1] }], ['SET', true]].each do |command|
      expect { described_class.encode(buffer, command) }.to raise_error(TypeError, /Strings, Symbols, Integers and Floats, not/)
    end
    expect { described_class.encode(buffer, []) }.to raise_error(ArgumentError, /empty/)
    expect { described_class.encode(buffer, [[], {}]) }.to raise_error(ArgumentError, /empty/)
    expect { described_class.encode(buffer, %w[A], { a: [] }) }.to raise_error(TypeError)
    expect { described_class.encode(buffer, 'A') }.to raise_error(TypeError)
    expect { described_class.encode(buffer.dup.freeze, %w[A]) }.to raise_error(FrozenError)
    expect(described_class.encode(buffer, ['B', 'x' * 3])).to eq("*1\r\n$1\r\nA\r\n*2\r\n$1\r\nB\r\n$3\r\nxxx\r\n")
  end

  it 'uses a buffer again, unless that has grown large' do
    buffer = String.new
    expect(described_class.encode_alone(buffer, %w[A])).to equal(buffer).and eq("*1\r\n$1\r\nA\r\n")
    expect(described_class.encode_alone(buffer, %w[B])).to equal(buffer).and eq("*1\r\n$1\r\nB\r\n")
    described_class.encode_alone(buffer, ['x' * 100_000])
    expect(described_class.encode_alone(buffer, %w[C])).to eq("*1\r\n$1\r\nC\r\n")
  end
end

RSpec.describe 'polyphony/adapters/redis' do
  it 'says which gem is missing' do
    result = run_ruby("begin; require 'polyphony/adapters/redis'; rescue LoadError => e; puts e.message; end", flags: ['--disable-gems'])
    expect(result.stdout).to match(/builds on the gem redis-client.*gem install redis-client/)
  end

  it 'changes nothing of redis-client but the list of its drivers' do
    result = run_ruby(<<~RUBY)
      require 'redis-client'
      seen = -> { ObjectSpace.each_object(Module).select { |m| m.name&.start_with?('RedisClient') }
        .to_h { |m| [m.name, [m.ancestors, m.instance_methods(false).map { |n| m.instance_method(n).source_location }, m.singleton_methods(false), m.constants(false)]] } }
      before = [seen.call, RedisClient.default_driver]
      require 'polyphony/adapters/redis'
      p [seen.call, RedisClient.default_driver] == before, RedisClient.driver(:polyphony)
    RUBY
    expect([result.stderr, result.stdout]).to eq(['', "true\nPolyphony::Redis::Connection\n"])
  end
end
