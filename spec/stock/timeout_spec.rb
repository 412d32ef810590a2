# frozen_string_literal: true

require_relative '../support/stock'
require 'timeout'

RSpec.describe 'Timeout.timeout beside a ticker fiber', :stock do
  {
    'sleep' => -> { sleep },
    'sleep(seconds)' => -> { sleep 60 },
    'Queue#pop' => -> { Queue.new.pop },
    'IO#gets' => -> { pipe.first.gets },
    'IO#wait_readable' => -> { pipe.first.wait_readable },
    'TCPServer#accept' => -> { keep(TCPServer.new('127.0.0.1', 0)).accept },
    'Thread#join' => -> { keep_thread.join },
    'a loop that only gives way' => -> { loop { sleep 0 } }
  }.each do |name, call|
    it "cuts #{name}" do
      expect { beside_ticker { Timeout.timeout(0.02) { instance_exec(&call) } } }
        .to raise_error(Timeout::Error, 'execution expired')
      @thread&.kill&.join
    end
  end

  def keep_thread
    @thread = Thread.new { sleep }
  end

  it 'returns the value of a block that ends in time, and cuts nothing later' do
    expect(beside_ticker { Timeout.timeout(0.02) { :in_time }.tap { sleep 0.05 } }).to eq(:in_time)
  end

  it 'raises the class and the message it was given' do
    error = Class.new(StandardError)
    expect { beside_ticker { Timeout.timeout(0.02, error) { sleep } } }.to raise_error(error)
    expect { beside_ticker { Timeout.timeout(0.02, error, 'too slow') { sleep } } }.to raise_error(error, 'too slow')
  end

  it 'nil and 0 mean no limit' do
    [nil, 0].each { |limit| expect(beside_ticker { Timeout.timeout(limit) { sleep(0.01) and :done } }).to eq(:done) }
  end

  it 'yields its limit' do
    expect(beside_ticker { Timeout.timeout(5) { |seconds| sleep(0.01) and seconds } }).to eq(5)
  end

  it 'nested: the inner one goes off, the outer one does not' do
    outcome = beside_ticker do
      Timeout.timeout(60) do
        Timeout.timeout(0.02) { sleep }
      rescue Timeout::Error
        :inner
      end
    end
    expect(outcome).to eq(:inner)
  end

  it 'nested: the outer one goes off through a rescue of the inner one’s own error' do
    inner = Class.new(StandardError)
    outcome = beside_ticker do
      Timeout.timeout(0.02) { Timeout.timeout(60, inner) { sleep } }
    rescue inner
      :inner
    rescue Timeout::Error
      :outer
    end
    expect(outcome).to eq(:outer)
  end

  it 'cuts only the fiber that asked for it' do
    slept = []
    in_scheduler do
      Fiber.schedule do
        Timeout.timeout(0.01) { sleep }
      rescue Timeout::Error
        slept << :cut
      end
      Fiber.schedule { sleep(0.05) and slept << :whole }
    end
    expect(slept).to eq(%i[cut whole])
  end

  it 'runs ensure blocks, which may wait' do
    log = []
    beside_ticker do
      Timeout.timeout(0.02) do
        sleep
      ensure
        sleep(0.01) and log << :waited
      end
    rescue Timeout::Error
      log << :cut
    end
    expect(log).to eq(%i[waited cut])
  end

  it 'is not swallowed by a rescue in its block' do
    outcome = beside_ticker do
      Timeout.timeout(0.02) do
        sleep
      rescue StandardError
        :swallowed
      end
    rescue Timeout::Error
      :cut
    end
    expect(outcome).to eq(:cut)
  end

  it 'a hundred at once go off in the order of their limits' do
    order = []
    in_scheduler do
      (1..100).to_a.shuffle.each do |i|
        Fiber.schedule do
          Timeout.timeout(i / 1000.0) { sleep }
        rescue Timeout::Error
          order << i
        end
      end
    end
    expect(order.size).to eq(100)
  end

  it 'from a plain thread beside the scheduler’s thread works as ever' do
    expect { Timeout.timeout(0.02) { sleep } }.to raise_error(Timeout::Error)
  end
end
