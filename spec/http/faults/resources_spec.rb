# frozen_string_literal: true

require_relative '../../support/http_crowd'

# What a system can be short of. Each server has a process of its own, and goes on when there is enough again.
RSpec.describe 'A server that is short', timeout: 90 do
  # @return [Array<HttpServer::Client>] those that an answer has come for
  def answered(clients)
    clients.select { |client| client.io.wait_readable(0) }
  end

  it 'of descriptors leaves new connections in the queue, says so once, and recovers' do
    server = serve_in_child("request.respond('hello')", open_files: 40)
    clients = Array.new(100) { server.connect.tap { |client| client.send_request('GET') } }
    eventually { server.log.include?('Too many open files') }
    inside = eventually { answered(clients).then { |some| some if some.size > 10 } }
    expect(clients.size).to be > inside.size
    until clients.empty? # as some leave, others come in
      some = eventually { answered(clients).then { |ready| ready unless ready.empty? } }
      expect(some.map { |client| client.response.body }).to all(eq('hello'))
      some.each(&:close)
      clients -= some
    end
    expect(fetch(server).body).to eq('hello')
    expect(server.log.scan(/^polyphony: accept on .*$/)).to match([/Too many open files/])
  end

  it 'of descriptors answers 500 where a handler needs one' do
    server = serve_in_child(<<~RUBY, open_files: 40, prelude: 'KEPT = []')
      loop { KEPT << File.open('/dev/null') } if request.path == '/open'
      KEPT.each(&:close) if request.path == '/close'
      request.respond('hello')
    RUBY
    client = server.connect
    expect(client.get.body).to eq('hello')
    other = server.connect
    expect(other.get.body).to eq('hello')
    expect(client.get('/open').status).to eq(500)
    expect(other.get('/close').body).to eq('hello')
    expect(fetch(server).body).to eq('hello')
    expect(server.log).to include('GET /open: ').and include('Errno::EMFILE')
  end

  # Each fiber takes two memory mappings, of 65,530 that a process may have. Here all but a few are taken.
  it 'of memory mappings for fibers closes what it cannot serve, serves the others, and recovers' do
    limit = Integer(File.read('/proc/sys/vm/max_map_count'))
    skip "vm.max_map_count is #{limit}: too many to take" if limit > 300_000

    server = serve_in_child(<<~RUBY, prelude: <<~PRELUDE, options: 'idle_timeout: 600')
      MAPS.free(4000) if request.path == '/free'
      request.respond('hello')
    RUBY
      require 'fiddle'
      module MAPS
        FUNCTIONS = Fiddle.dlopen(nil)
        MAP = Fiddle::Function.new(FUNCTIONS['mmap'], [Fiddle::TYPE_VOIDP, Fiddle::TYPE_LONG, *[Fiddle::TYPE_INT] * 3, Fiddle::TYPE_LONG],
                                   Fiddle::TYPE_INTPTR_T)
        UNMAP = Fiddle::Function.new(FUNCTIONS['munmap'], [Fiddle::TYPE_VOIDP, Fiddle::TYPE_LONG], Fiddle::TYPE_INT)
        TAKEN = []
        # Neighbours differ in their protection, or the kernel would make one mapping of them.
        def self.take
          until (at = MAP.call(nil, 4096, TAKEN.size.odd? ? 1 : 3, 0x22, -1, 0)) == -1
            TAKEN << at
          end
        end
        def self.free(count) = TAKEN.pop(count).each { |at| UNMAP.call(at, 4096) }
      end
      Thread.new {}.join
      at_exit { MAPS.free(1000) }
      Polyphony.run { Array.new(30) { Polyphony.spin { Polyphony.snooze } }.each(&:await) }
      MAPS.take
      MAPS.free(60)
    PRELUDE
    clients = Array.new(200) { server.connect }
    eventually { server.log.include?('Cannot allocate memory') }
    alive = eventually do
      open = clients.select { |client| client.io.read_nonblock(1, exception: false) == :wait_readable rescue false } # rubocop:disable Style/RescueModifier -- a reset
      open if open.size < 200
    end
    expect(alive).not_to be_empty
    expect(alive.first.get('/free').body).to eq('hello')
    expect(Array.new(20) { eventually { fetch(server).body rescue nil } }).to all(eq('hello')) # rubocop:disable Style/RescueModifier -- it still closes some
    expect(server.log.scan(/^polyphony: accept on /).size).to be < 4
    expect(server.log).not_to include('(Polyphony::')
  end
end

RSpec.describe 'A log that cannot be written to', timeout: 60 do
  faults = "raise 'it broke' if request.path == '/fault'"

  it 'as its disk is full: requests are served, and standard error says so once' do
    server = serve_in_child("#{faults}; request.respond('hello')",
                            options: "access_log: Polyphony::HTTP::AccessLog.new(File.open('/dev/full', 'a'))")
    50.times { expect(fetch(server).body).to eq('hello') }
    eventually { server.log.include?('No space left') }
    expect(fetch(server, '/fault').status).to eq(500)
    3000.times.each_slice(1000) { |some| server.connect.tap { |client| some.each { client.get } }.close }
    expect(server.log.scan(/^polyphony: the access log .*$/)).to match([/cannot be written: No space left/])
  end

  it 'as nobody reads the pipe it goes to: requests are served, time limits count, and what is lost is said' do
    server = serve_in_child("next request.respond('hello') if request.path == '/'; READER.readpartial(1 << 20); request.respond('read')",
                            prelude: 'READER, WRITER = IO.pipe',
                            options: 'access_log: Polyphony::HTTP::AccessLog.new(WRITER), header_timeout: 1')
    client = server.connect
    target = "/#{'x' * 8000}"
    stalled = server.connect << 'GET'
    900.times do
      client.send_request('GET', "/?#{target}")
      expect(client.response.body).to eq('hello')
    end
    expect(stalled.response.status).to eq(408)
    eventually do
      fetch(server, '/read').status
      server.log.match?(/\d+ lines of the access log were lost/)
    end
  end

  it 'as standard error is on a full disk: failing handlers still get 500, and the server goes on' do
    server = serve_in_child("$stderr.reopen('/dev/full', 'w') if request.path == '/full'; #{faults}; request.respond('hello')")
    expect(fetch(server, '/full').body).to eq('hello')
    5.times { expect(fetch(server, '/fault').status).to eq(500) }
    client = server.connect << "GET\r\n\r\n"
    expect(client.response.status).to eq(400)
    expect(fetch(server).body).to eq('hello')
  end

  it 'as standard error is closed: likewise, with an access log on a full disk' do
    server = serve_in_child("$stderr.close if request.path == '/close'; #{faults}; request.respond('hello')",
                            options: "access_log: Polyphony::HTTP::AccessLog.new(File.open('/dev/full', 'a')), header_timeout: 1")
    expect(fetch(server, '/close').body).to eq('hello')
    5.times { expect(fetch(server, '/fault').status).to eq(500) }
    client = server.connect << 'GET' # its time limit is the clock's, which writes to the log, too
    expect(client.response.status).to eq(408)
    expect(fetch(server).body).to eq('hello')
  end

  it 'as its Logger raises: the server goes on' do
    server = serve_in_child("#{faults}; request.respond('hello')", prelude: <<~RUBY, options: 'log: LOGGER')
      LOGGER = Object.new
      %i[info warn error].each { |name| LOGGER.define_singleton_method(name) { |_| raise 'no log today' } }
    RUBY
    expect(fetch(server, '/fault').status).to eq(500)
    expect(fetch(server).body).to eq('hello')
  end
end
