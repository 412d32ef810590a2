# frozen_string_literal: true

require_relative '../support/compatibility'

RSpec.describe 'pg', compatibility: 'works' do
  it 'connects, asks, and prepares' do
    require 'pg'
    rows = through_gate(server_url('DATABASE_URL')) do |port|
      connection = PG.connect(host: '127.0.0.1', port: port, user: ENV.fetch('PGUSER'), dbname: ENV.fetch('PGDATABASE'), connect_timeout: 10)
      connection.prepare('add', 'select $1::int + 1')
      [connection.exec('select 1').values, connection.exec_prepared('add', [1]).values]
    ensure
      connection&.finish
    end
    expect(rows).to eq([[['1']], [['2']]])
  end
end

RSpec.describe 'redis', compatibility: 'works' do
  it 'asks' do
    require 'redis'
    answers = through_gate(server_url('REDIS_URL')) do |port|
      redis = Redis.new(host: '127.0.0.1', port: port, driver: :ruby)
      [redis.ping, redis.echo('x'), redis.pipelined { |pipeline| 2.times { |n| pipeline.echo(n.to_s) } }]
    ensure
      redis&.close
    end
    expect(answers).to eq(['PONG', 'x', %w[0 1]])
  end
end

RSpec.describe 'redis-client', compatibility: 'works' do
  it 'asks, with its Ruby driver' do
    require 'redis-client'
    answer = through_gate(server_url('REDIS_URL')) do |port|
      client = RedisClient.config(host: '127.0.0.1', port: port, driver: :ruby).new_client
      client.call('ECHO', 'x')
    ensure
      client&.close
    end
    expect(answer).to eq('x')
  end
end

RSpec.describe 'trilogy', compatibility: 'works' do
  it 'connects, and asks' do
    require 'trilogy'
    row = through_gate(server_url('MYSQL_URL')) do |port|
      connection = Trilogy.new(host: '127.0.0.1', port: port, username: 'root', connect_timeout: 10)
      connection.query('select 1 + 1').first
    ensure
      connection&.close
    end
    expect(row).to eq([2])
  end
end

RSpec.describe 'mysql2', compatibility: 'works, with a note' do
  let(:server) { URI.parse(server_url('MYSQL_URL')) }
  let(:client) { Mysql2::Client.new(host: server.host, port: server.port, username: 'root') }

  before { require 'mysql2' }
  after { client.close }

  it 'asks' do
    client
    other = Mysql2::Client.new(host: server.host, port: server.port, username: 'root')
    other.query("select get_lock('polyphony', 10)")
    row = beside_ticker(-> { other.query("select release_lock('polyphony')") }) { client.query("select get_lock('polyphony', 10) as got").first }
    expect(row).to eq('got' => 1)
  ensure
    other&.close
  end

  it 'asks when prepared, on a thread' do
    statement = client.prepare('select sleep(0.1) as slept')
    expect(beside_ticker { Thread.new { statement.execute.first }.value }).to eq('slept' => 0)
  end

  it 'blocks in a prepared statement' do
    statement = client.prepare('select sleep(0.1) as slept')
    expect(blocks_the_thread { statement.execute.first }).to eq('slept' => 0)
  end

  it 'blocks while it connects' do
    gate = Compatibility::Gate.new(server.host, server.port)
    client
    connected = blocks_the_thread(gate.method(:open)) { Mysql2::Client.new(host: '127.0.0.1', port: gate.port, username: 'root') }
    connected.close
  ensure
    gate&.close
  end
end

RSpec.describe 'sqlite3', compatibility: 'blocks' do
  let(:database) do
    require 'sqlite3'
    SQLite3::Database.new(':memory:')
  end
  let(:query) { 'with recursive n(x) as (select 1 union all select x + 1 from n where x < 100000) select count(*) from n' }

  after { database.close }

  it 'blocks in a query' do
    expect(blocks_the_thread { database.execute(query) }).to eq([[100_000]])
  end

  it 'waits in Polyphony::SQLite3' do
    require 'polyphony/adapters/sqlite3'
    ours = Polyphony::SQLite3.new(':memory:')
    expect(beside_ticker { ours.value(query) }).to eq(100_000)
  ensure
    ours&.close
  end
end

RSpec.describe 'dalli', compatibility: 'works' do
  it 'sets and gets, with memcached' do
    require 'dalli'
    require 'json'
    memcached = executable('memcached')
    port = unused_port
    start_server(memcached, '-l', '127.0.0.1', '-p', port.to_s, '-u', 'root', port: port)
    value = through_gate(port) do |gate|
      client = Dalli::Client.new("127.0.0.1:#{gate}", serializer: JSON, **(Dalli::VERSION < '5' ? { protocol: :meta } : {}))
      client.set('a', { b: 1 })
      client.get('a')
    ensure
      client&.close
    end
    expect(value).to eq('b' => 1)
  end
end
