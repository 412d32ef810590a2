# frozen_string_literal: true

require_relative '../support/compatibility'

RSpec.describe 'net-http', compatibility: 'works' do
  it 'gets pages on one connection' do
    require 'net/http'
    bodies = through_gate(echoing_server) do |port|
      Net::HTTP.start('127.0.0.1', port) { |http| [http.get('/a').body, http.post('/b', 'body').body] }
    end
    expect(bodies).to eq(['GET /a', 'POST /bbody'])
  end
end

RSpec.describe 'httparty', compatibility: 'works' do
  it 'gets a page' do
    require 'httparty'
    expect(through_gate(echoing_server) { |port| HTTParty.get("http://127.0.0.1:#{port}/a").body }).to eq('GET /a')
  end
end

RSpec.describe 'faraday', compatibility: 'works' do
  it 'posts a form' do
    require 'faraday'
    expect(through_gate(echoing_server) { |port| Faraday.post("http://127.0.0.1:#{port}/a", b: 1).body }).to eq('POST /ab=1')
  end
end

RSpec.describe 'excon', compatibility: 'works, with a note' do
  def pages(port)
    require 'excon'
    connection = Excon.new("http://127.0.0.1:#{port}", persistent: true)
    %w[/a /b].map { |path| connection.get(path: path).body }
  ensure
    connection&.reset
  end

  it 'gets pages on one connection; before Ruby 3.2, which has no hook for IO.select, its thread waits' do
    port = echoing_server
    if Stock::IO_SELECT_HOOK
      expect(through_gate(port) { |gate| pages(gate) }).to eq(['GET /a', 'GET /b'])
    else
      gate = Compatibility::Gate.new('127.0.0.1', port)
      expect(blocks_the_thread(gate.method(:open)) { pages(gate.port) }).to eq(['GET /a', 'GET /b'])
      gate.close
    end
  end

  it 'waits on a thread, whatever the Ruby' do
    expect(through_gate(echoing_server) { |port| Thread.new { pages(port) }.value }).to eq(['GET /a', 'GET /b'])
  end
end

RSpec.describe 'httpx', compatibility: 'works' do
  it 'gets several pages at a time' do
    require 'httpx'
    bodies = through_gate(echoing_server) do |port|
      HTTPX.get("http://127.0.0.1:#{port}/a", "http://127.0.0.1:#{port}/b").map { |response| response.body.to_s }
    end
    expect(bodies).to eq(['GET /a', 'GET /b'])
  end
end

RSpec.describe 'async-http', compatibility: 'works, with a note' do
  def page(port)
    require 'async/http/internet'
    Sync do
      internet = Async::HTTP::Internet.new
      internet.get("http://127.0.0.1:#{port}/a").read
    ensure
      internet&.close
    end
  end

  # Runs the block in a process of its own: on Ruby 3.1 these gems add methods to IO that other specs would see.
  def apart
    reader, writer = IO.pipe
    pid = fork do
      result = begin
        [:value, yield]
      rescue Exception => e # rubocop:disable Lint/RescueException -- told to the example
        [:error, "#{e.class}: #{e.message}"]
      end
      writer.write(Marshal.dump(result))
      writer.close
      exit!(0)
    end
    writer.close
    kind, value = Marshal.load(reader.read)
    Process.wait(pid)
    kind == :value ? value : raise(value)
  end

  it 'wants a scheduler of its own' do
    expect { apart { beside_ticker { page(1) } } }.to raise_error(/NoMethodError.*add_child/)
  end

  it 'has it on a thread' do
    expect(apart { through_gate(echoing_server) { |port| Thread.new { page(port) }.value } }).to eq('GET /a')
  end
end
