# frozen_string_literal: true

require_relative '../support/stock'

# In processes of their own: once a process has had a second Ractor, Ruby treats shared objects differently for good.
RSpec.describe 'Ractor beside a ticker fiber', :stock do
  def run(code)
    script(<<~RUBY).output
      Warning[:experimental] = false # "Ractor is experimental"
      def value_of(ractor) = ractor.respond_to?(:value) ? ractor.value : ractor.take
      #{code}
    RUBY
  end

  it 'refuses a scheduler with an error that says what to do instead' do
    output = run(<<~'RUBY')
      ractor = Ractor.new do
        Polyphony::Scheduler.new
      rescue Exception => e
        "#{e.class}: #{e.message}"
      end
      puts value_of(ractor)
    RUBY
    expect(output).to match(/\APolyphony::Error: .*Ractor.*Thread/m)
  end

  it 'works beside fibers; waiting for its value blocks the thread' do
    expect(run(<<~'RUBY')).to eq("42, after 0 ticks\n")
      Fiber.set_scheduler(Polyphony::Scheduler.new)
      ticks = 0
      waited = false
      Fiber.schedule do
        ractor = Ractor.new { 10_000.times.sum and 42 }
        puts "#{value_of(ractor)}, after #{ticks} ticks"
        waited = true
      end
      Fiber.schedule { (ticks += 1) and sleep(0) until waited }
    RUBY
  end

  it '… the way out: a thread' do
    expect(run(<<~'RUBY')).to eq("ticked\n42\n")
      ractor = Ractor.new { Ractor.receive * 2 }
      beside_ticker { puts Thread.new { value_of(ractor) }.value }
      Fiber.schedule { give_way(20) and ractor.send(21) }
    RUBY
  end
end
