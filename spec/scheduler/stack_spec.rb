# frozen_string_literal: true

require_relative '../support/backend'

RSpec.describe 'Polyphony::Scheduler::Task#trim_stack', :backend do
  def deep(levels, &block)
    levels.zero? ? block.call : [levels].each { deep(levels - 1, &block) }
  end

  def resident
    File.read('/proc/self/status')[/VmRSS:\s+(\d+)/, 1].to_i
  end

  # A fiber that has once been deep in its stack and then reads.
  def reading(levels, io, tasks)
    spin do
      tasks << Polyphony::Scheduler.task
      deep(levels) { nil }
      backend.read(io)
    end
  end

  it 'gives back the memory that a waiting fiber no longer needs' do
    tasks = []
    pairs = Array.new(200) { sockets }
    fibers = pairs.map { |left, _| reading(60, left, tasks) }
    wait_for(*fibers)
    before = resident
    expect(tasks.map(&:trim_stack)).to all(be(true))
    expect(before - resident).to be > 200 * 16 # KB
    pairs.each { |_, right| right.write('goes on') }
    expect(fibers.map(&:await)).to all(eq('goes on'))
  end

  it 'leaves alone what waits deep in its stack, and goes on there' do
    left, right = sockets
    task = nil
    fiber = spin do
      task = Polyphony::Scheduler.task
      deep(300) { backend.read(left) }
      :back
    end
    wait_for(fiber)
    expect(task.trim_stack).to be(false)
    right.write('x')
    expect(fiber.await).to eq(:back)
  end

  it 'does nothing to a fiber that runs, or waits for something else than an IO' do
    expect(Polyphony::Scheduler.task.trim_stack).to be(false)
    task = nil
    fiber = spin do
      task = Polyphony::Scheduler.task
      sleep
    end
    wait_for(fiber)
    expect(task.trim_stack).to be(false)
    fiber.stop
    expect(task.trim_stack).to be(false)
  end
end
