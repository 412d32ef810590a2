# frozen_string_literal: true

require 'polyphony/adapters/trilogy'
require_relative '../../support/fibers'
require_relative '../../support/mysql'

RSpec.describe Polyphony::Trilogy, :fibers do
  include Support::MySQL

  let(:proxy) { Support::MySQL::Proxy.new(Support::MySQL::URL) }

  after { proxy.break }

  it 'connects again after the server was away' do
    pool = open_database(proxy.url, size: 3)
    fibers = Array.new(3) { waiting { error_of { pool.query('select sleep(1000)') } } }
    wait_until { running('select sleep') == 3 }
    proxy.break
    expect(fibers.map(&:await)).to all(be_a(Trilogy::ConnectionError))
    late = Array.new(5) { |n| waiting { pool.value('select ?', n) } }
    wait_until { late.all? { |fiber| fiber.waiting_on.to_s.start_with?('sleep') || fiber.waiting_on.to_s.start_with?('acquire') } }
    proxy.restart
    expect(late.map(&:await)).to eq([0, 1, 2, 3, 4])
    # What could not be killed at that time, the server finds out by itself only when it answers.
    db.query("select group_concat(id) from information_schema.processlist where info like 'select sleep%'").rows.flatten.compact
      .flat_map { |ids| ids.split(',') }.each { |id| error_of { db.query("kill #{id}") } }
  end

  it 'finds out that the server has closed an idle connection before it is used' do
    pool = open_database(proxy.url, size: 1)
    pool.query('select 1')
    proxy.break
    proxy.restart
    expect([pool.value('select 2'), pool.stats]).to match([2, include(made: 2, discarded: 1)])
  end

  it 'gives up on a server that stays away' do
    pool = open_database(proxy.url, reconnect: 0.1)
    pool.query('select 1')
    proxy.break
    expect { pool.query('select 1') }.to raise_error(Trilogy::ConnectionError)
    proxy.restart
  end

  it 'gives up on a network that stalls, by the time limits of the gem or of the fiber' do
    pool = open_database("#{proxy.url}?read_timeout=1", grace: 0.1)
    pool.query('select 1')
    proxy.stall
    expect { pool.query('select 1') }.to raise_error(Trilogy::TimeoutError)
    expect(pool.stats).to include(in_use: 0, available: 0)
  end

  it 'stays within its connections when the server has no more' do
    limit = db.value('select @@max_connections')
    many = open_database(size: limit + 10)
    refused = []
    fibers = Array.new(limit + 10) do
      spin do
        many.query('select sleep(0.2)')
      rescue Trilogy::ProtocolError => e
        refused << e.error_code
      end
    end
    fibers.each(&:await)
    expect([refused.uniq, many.stats[:in_use]]).to eq([[1040], 0])
    expect(many.value('select 1')).to eq(1)
  end
end
