# frozen_string_literal: true

require_relative '../../support/postgres'
require_relative '../../support/postgres_server'
require_relative '../../support/stalling_proxy'

RSpec.describe Polyphony::Postgres, 'when things fail', :postgres, :fibers, timeout: 90 do
  let(:server) { PostgresServer.start }
  let(:failed) { described_class::ConnectionFailed }

  def connect(**options) = database(**server.options(**options))

  def message(**options)
    error = error_of { connect(**options).query('SELECT 1') }
    expect(error).to be_a(failed).and be_a(PG::ConnectionBad)
    expect(error.cause).to be_a(PG::Error)
    error.message
  end

  describe 'errors of connecting say what to do:' do
    it 'a wrong password, and none' do
      expect(message(user: 'secret', password: 'wrong')).to match(%r{no connection to PostgreSQL at 127.0.0.1:\d+/postgres: .*password authentication failed.*What to do: check user and password}m)
      expect(message(user: 'secret')).to match(/no password supplied.*What to do: give a password/m)
      expect(connect(user: 'secret', password: 'word').value('SELECT current_user')).to eq('secret')
    end

    it 'a user, a database, a name, a port that there are not' do
      expect(message(user: 'nobody')).to match(/role "nobody" does not exist.*CREATE ROLE/m)
      expect(message(dbname: 'nothing')).to match(/database "nothing" does not exist.*createdb/m)
      expect(message(host: 'name.invalid')).to match(/could not resolve host name "name.invalid".*check host:/)
      expect(message(port: 1)).to match(/Connection refused.*nothing listens there/m)
    end

    it 'a server that does not answer' do
      mute = TCPServer.new('127.0.0.1', 0)
      expect(message(port: mute.addr[1], connect_timeout: 0.05)).to match(/no answer within 0.05 s.*connect_timeout: says how long/)
    ensure
      mute.close
    end

    it 'no connections left; with one given back it goes on' do
      others = connect(size: PostgresServer::CONNECTIONS)
      others.connect(PostgresServer::CONNECTIONS)
      expect(message).to match(/too many clients.*What to do: .*smaller size:.*max_connections/m)
      db = connect
      others.close
      wait_until { error_of { db.query('SELECT 1') }.nil? }
      expect(db.stats).to include(size: 1, in_use: 0)
    end
  end

  describe 'with TLS' do
    def tls(**options) = { host: 'localhost', user: 'postgres', sslmode: 'verify-full', sslrootcert: server.authority, **options }

    it 'the certificate and its name are verified, for the connection and for cancelling' do
      db = connect(size: 1, **tls)
      expect(db.row('SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).to match('ssl' => 't', 'version' => /TLSv1/)
      pid = db.value('SELECT pg_backend_pid()')
      expect(move_on_after(0.05, with_value: :cut) { db.query('SELECT pg_sleep(100)') }).to eq(:cut)
      expect(db.value('SELECT pg_backend_pid()')).to eq(pid)
      expect(connect(sslmode: 'disable').value('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).to eq('f')
    end

    it 'streams, COPY, the pipeline and LISTEN work as without' do
      db = connect(size: 2, **tls)
      expect(db.each_row('SELECT * FROM generate_series(1, 5000) x') { nil }).to eq(5000)
      db.exec('CREATE TEMP TABLE t (a text)')
      db.with do |connection|
        connection.exec('CREATE TEMP TABLE u (a text)')
        expect(connection.copy_in('COPY u FROM STDIN') { |copy| 2000.times { copy << "#{'x' * 1000}\n" } }).to eq(2000)
      end
      expect(Array.new(20) { |i| spin { db.pipelined.value('SELECT $1::text', "#{i}#{'x' * 100_000}").size } }.map(&:await)).to all(be > 100_000)
      expect(db.listen('x', ready: -> { db.notify('x', 'y') }) { |payload| break payload }).to eq('y')
    end

    it 'a certificate of others, and another name, are refused' do
      stranger = Tempfile.create('ca')
      stranger.write(HttpCertificates.certificate('another authority', authority: true).cert.to_pem)
      stranger.flush
      expect(message(**tls(sslrootcert: stranger.path))).to match(/certificate verify failed.*sslrootcert:/m)
      expect(message(**tls(host: '127.0.0.1'))).to match(/does not match host name.*verify-ca/m)
    ensure
      stranger&.close
    end
  end

  it 'killed and started again in mid-load: what was under way fails, what comes later goes on' do
    db = connect(size: 5, reconnect: 60)
    heard = []
    gaps = 0
    ready = false
    spin { db.listen('news', ready: -> { ready = true }, gap: -> { gaps += 1 }) { |payload| heard << payload } }
    wait_until { ready }
    done = 0
    errors = []
    stopped = false
    workers = Array.new(10) do |i|
      spin do
        until stopped
          begin
            i < 5 ? db.query('SELECT pg_sleep(0.005)') : db.pipelined.query('SELECT 1')
            done += 1
          rescue PG::Error => e
            errors << e
            snooze
          end
        end
      end
    end
    2.times do |i|
      before = done
      wait_until { done > before + 50 }
      Polyphony::ThreadPool.default.process { server.kill }
      wait_until { errors.any? }
      errors.clear
      Polyphony::ThreadPool.default.process { server.start }
      before = done
      wait_until { done > before + 50 && gaps == i + 1 }
    end
    stopped = true
    workers.each(&:await)
    expect(errors).to all(be_a(PG::ConnectionBad).or(be_a(PG::UnableToSend)).or(be_a(PG::ServerError)))
    db.notify('news', 'again')
    wait_until { heard == ['again'] }
    expect(db.stats).to include(in_use: 0, under_way: 0)
  end

  describe 'with a network that stalls' do
    let(:proxy) { StallingProxy.new(server.port) }

    after { proxy.close }

    it 'a query that is given up costs a bounded time, and its connection' do
      db = connect(port: proxy.port, size: 1, cleanup_timeout: 0.1)
      db.query('SELECT 1')
      proxy.stall
      expect(move_on_after(0.05, with_value: :cut) { db.query('SELECT 2') }).to eq(:cut)
      expect(db.stats).to include(size: 0, in_use: 0, discarded: 1)
      expect(move_on_after(0.05, with_value: :cut) { db.query('SELECT 3') }).to eq(:cut)
      proxy.flow
      expect(db.value('SELECT 4')).to eq('4')
    end

    it 'the pipeline gives up what nobody waits for any more' do
      db = connect(port: proxy.port, cleanup_timeout: 0.1, pipeline: true)
      db.query('SELECT 1')
      proxy.stall
      expect(move_on_after(0.05, with_value: :cut) { db.query('SELECT 2') }).to eq(:cut)
      proxy.flow
      expect(db.value('SELECT 3')).to eq('3')
      expect(db.stats).to include(under_way: 0, connects: 2)
    end

    it 'a listener notices, and tells of the gap when it is over' do
      db = connect(port: proxy.port, idle_check: 0.05, connect_timeout: 2)
      ready = gap = false
      got = []
      spin { db.listen('x', ready: -> { ready = true }, gap: -> { gap = true }) { |payload| got << payload } }
      wait_until { ready }
      proxy.stall
      wait_until { db.stats[:gaps] == 1 }
      proxy.flow
      wait_until { gap }
      connect.notify('x', 'heard')
      wait_until { got == ['heard'] }
    end

    it 'an idle connection is asked before it is used, and replaced' do
      db = connect(port: proxy.port, size: 1, idle_check: 0, cleanup_timeout: 0.1)
      db.query('SELECT 1')
      ObjectSpace.each_object(described_class.const_get(:Wire)) { |wire| wire.heard -= 10 }
      proxy.stall
      fiber = waiting { db.value('SELECT 2') }
      wait_until { db.stats[:discarded] == 1 }
      proxy.flow
      expect(fiber.await).to eq('2')
    end
  end
end
