# frozen_string_literal: true

require_relative '../support/fibers'

# What only other threads can do to a line of waiting fibers, done here at the worst moment.
RSpec.describe 'A line of waiting fibers' do
  let(:line) { Polyphony.const_get(:Line).new }

  # Stands for a Lifecycle.
  let(:life) do
    Struct.new(:woken) do
      def wake = self.woken = true
      def dead? = false
      def task = Struct.new(:thread).new(Thread.current)
    end
  end
  let(:places) { Array.new(3) { Polyphony.const_get(:Line)::Place.new(life.new) } }

  before { places.each { |place| line.join(place) } }

  it 'keeps the next one when another thread claims the first, which leaves' do
    line.define_singleton_method(:first?) { |place| super(place).tap { |first| claim if first } }
    line.leave(places[0])
    line.singleton_class.remove_method(:first?)
    expect([line.size, line.first?(places[1]), places.map { |place| place.life.woken }]).to eq([2, true, [nil, true, nil]])
  end

  it 'lets each leave, wherever it stands' do
    [1, 0, 2].each { |index| line.leave(places[index]) }
    expect(line).to be_empty
    line.leave(places[0])
    expect(places.map { |place| place.life.woken }).to eq([nil, nil, nil])
  end
end
