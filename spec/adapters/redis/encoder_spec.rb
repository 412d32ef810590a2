# frozen_string_literal: true

require 'polyphony/adapters/redis'

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
