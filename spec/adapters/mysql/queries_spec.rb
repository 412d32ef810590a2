# frozen_string_literal: true

require 'bigdecimal'
require 'date'
require 'polyphony/adapters/trilogy'
require_relative '../../support/fibers'
require_relative '../../support/mysql'

RSpec.describe Polyphony::Trilogy, :fibers do
  include Support::MySQL

  it 'asks, and gives the result of the gem' do
    table('pets', 'id int primary key auto_increment, name varchar(20)')
    written = db.query('insert into pets(name) values (?), (?)', 'Ada', "B'o\\b")
    expect([written.class, written.affected_rows, written.last_insert_id]).to eq([Trilogy::Result, 2, 1])
    expect(db.query('select name from pets where id >= :least and name != :other order by id', least: 1, other: '?').each_hash.to_a)
      .to eq([{ 'name' => 'Ada' }, { 'name' => "B'o\\b" }])
    expect([db.first('select * from pets'), db.value('select count(*) from pets where id in (?)', [1, 2, 3])]).to eq([{ 'id' => 1, 'name' => 'Ada' }, 2])
    expect([db.first('select * from pets where id = 9'), db.value('select 1 from pets where id in (?)', [])]).to eq([nil, nil])
  end

  it 'says values as SQL does' do
    time = Time.at(0, 1.5r, :millisecond).utc
    values = [nil, true, false, -(2**62), 1.5, "é'\"\\\0\n", "\xff'\x00".b, :symbol, Date.new(2024, 2, 29), BigDecimal('1.25')]
    expect(db.query("select #{(['?'] * values.size).join(', ')}", *values).rows.first)
      .to eq([nil, 1, 0, -(2**62), 1.5, "é'\"\\\0\n", "\xff'\x00".b, 'symbol', '2024-02-29', 1.25])
    expect(db.value('select cast(? as datetime(6))', time)).to eq(time)
    expect(db.literal(["a'b", nil, 2])).to eq("'a\\'b', NULL, 2")
    expect { db.query('select ?', Object) }.to raise_error(TypeError, /not Object/)
    expect { db.literal(Float::NAN) }.to raise_error(TypeError, /finite/)
  end

  it 'leaves places within quotes and comments alone' do
    sql = %q(select '?', "a\"?", 'it''s ?', ? as `?:x`, ':y' -- ?
             # :z
             /* ? */)
    expect(db.query(sql, 7).rows.first).to eq(['?', 'a"?', "it's ?", 7, ':y'])
    db.connection do |raw|
      raw.query("set sql_mode = 'NO_BACKSLASH_ESCAPES'")
      expect(db.query("select '\\', ?", "\\'x").rows.first).to eq(['\\', "\\'x"])
    end
  end

  it 'says what is wrong with a call, and uses the connection on' do
    expect { db.query('select ?', 1, 2) }.to raise_error(ArgumentError, 'the statement takes 1 values, not 2')
    expect { db.query('select ?, ?', 1) }.to raise_error(ArgumentError, 'the statement takes 2 values, not 1')
    expect { db.query('select :a', b: 1) }.to raise_error(ArgumentError, 'the statement takes a value for :a')
    expect { db.query('select :a', a: 1, b: 1) }.to raise_error(ArgumentError, 'the statement takes no value for :b')
    expect { db.query('select :a, ?', 1, a: 1) }.to raise_error(ArgumentError, /not both/)
    expect { db.query('selekt') }.to raise_error(Trilogy::QueryError, /1064/)
    expect { db.query('select * from not_there') }.to raise_error(Trilogy::ProtocolError, /1146/)
    expect([db.value('select 1'), db.stats]).to match([1, include(made: 1, in_use: 0)])
  end

  it 'says what is wrong with a server' do
    expect { described_class.new('http://localhost') }.to raise_error(ArgumentError, %r{wanted is mysql://user})
    expect { described_class.new(1) }.to raise_error(TypeError, /URL or a Hash/)
    expect { open_database(Support::MySQL::URL.sub('root@', 'root:wrong@')).query('select 1') }.to raise_error(Trilogy::BaseConnectionError, /1045/)
    port = Addrinfo.tcp('127.0.0.1', 0).bind { |socket| socket.local_address.ip_port }
    expect { open_database("mysql://root@127.0.0.1:#{port}/").query('select 1') }.to raise_error(Errno::ECONNREFUSED)
    expect(open_database('mysql://me:se%40cret@h/d').inspect).to eq('#<Polyphony::Trilogy me@h:3306/d in_use=0/10 waiting=0>')
  end

  it 'takes what the gem takes, and many results of one procedure' do
    uri = URI.parse(Support::MySQL::URL)
    own = open_database({ host: uri.host, port: uri.port, 'username' => 'root', multi_statement: true })
    expect(own.query('select 1; select 2; select 3').rows).to eq([[1]])
    expect(own.value('select 4')).to eq(4)
    expect(own.connection(&:ping)).to be(true)
  end
end
