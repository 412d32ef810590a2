# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/virtual_time'

RSpec.describe Polyphony::HTTP::Limits, :fibers do
  def get(path = '/') = "GET #{path} HTTP/1.1\r\nHost: a\r\n\r\n"

  def post(fields) = "POST / HTTP/1.1\r\nHost: a\r\n#{fields}\r\n\r\n"

  describe 'of size' do
    # The answers to what is just within the limit, and to a byte more; and what the log says of the latter.
    def tried(within, beyond, **limits)
      server = serve(**limits) { |request| request.respond(request.read) }
      answers = [within, beyond].map do |bytes|
        client = server.connect << bytes
        client.response.tap { |response| expect(client.rest).to eq('') unless response.keep_alive? }
      end
      [answers.map { |answer| [answer.status, answer.keep_alive?] }, answers.last.body, server.lines.last]
    end

    it 'target_bytes: 414' do
      states, body, line = tried(get("/#{'a' * 99}"), get("/#{'a' * 100}"), target_bytes: 100)
      expect([states, body]).to eq([[[200, true], [414, false]], "414 URI Too Long\n"])
      expect(line).to match(/\Apolyphony: 127\.0\.0\.1:\d+: the request target is longer than allowed \(414\)\z/)
    end

    it 'header_bytes: 431' do
      head = ->(bytes) { "GET / HTTP/1.1\r\nHost: a\r\nX: #{'x' * (bytes - 33)}\r\n\r\n".tap { |text| expect(text.bytesize).to be <= bytes + 1 } }
      states, body, line = tried(head[500], head[503], header_bytes: 500)
      expect([states, body]).to eq([[[200, true], [431, false]], "431 Request Header Fields Too Large\n"])
      expect(line).to end_with('the head is longer than allowed (431)')
    end

    it 'header_count: 431' do
      states, _, line = tried("GET / HTTP/1.1\r\nHost: a\r\n#{"X: 1\r\n" * 9}\r\n", "GET / HTTP/1.1\r\nHost: a\r\n#{"X: 1\r\n" * 10}\r\n", header_count: 10)
      expect(states).to eq([[200, true], [431, false]])
      expect(line).to end_with('too many header fields (431)')
    end

    it 'body_bytes: 413, before the body comes if its length is known' do
      states, body, line = tried(post('Content-Length: 10') + ('x' * 10), post('Content-Length: 11'), body_bytes: 10)
      expect([states, body]).to eq([[[200, true], [413, false]], "413 Content Too Large\n"])
      expect(line).to end_with('the body is longer than allowed (413)')
      chunked = post('Transfer-Encoding: chunked')
      states, = tried("#{chunked}5\r\nhello\r\n5\r\nhello\r\n0\r\n\r\n", "#{chunked}5\r\nhello\r\n6\r\n", body_bytes: 10)
      expect(states).to eq([[200, true], [413, false]])
    end

    it 'body_bytes: nothing is read of what is refused, and no 100 is sent' do
      server = serve(body_bytes: 10) { |request| request.respond(request.read) }
      client = server.connect << post("Content-Length: 11\r\nExpect: 100-continue")
      expect([client.response.status, client.rest]).to eq([413, ''])
    end

    it 'trailer_bytes: 431' do
      chunked = post('Transfer-Encoding: chunked')
      states, _, line = tried("#{chunked}0\r\nX: #{'x' * 93}\r\n\r\n", "#{chunked}0\r\nX: #{'x' * 94}\r\n\r\n", trailer_bytes: 100)
      expect(states).to eq([[200, true], [431, false]])
      expect(line).to end_with('the trailers are longer than allowed (431)')
    end

    it 'can be none' do
      server = serve(body_bytes: nil, target_bytes: nil, header_bytes: nil, header_count: nil, trailer_bytes: nil, drain_bytes: nil, connections: nil, requests: nil) { |request| request.respond(request.target.bytesize.to_s) }
      client = server.connect << "GET /#{'a' * 1_000_000} HTTP/1.1\r\nHost: a\r\n#{"X: #{'x' * 1000}\r\n" * 900}\r\n"
      expect(client.response.body).to eq('1000001')
    end
  end

  describe 'of number' do
    it 'requests: the last answer says that it is the last' do
      server = serve(requests: 3) { |request| request.respond(request.path) }
      client = server.connect
      expect(Array.new(3) { |i| client.get("/#{i}").keep_alive? }).to eq([true, true, false])
      expect(client.rest).to eq('')
      client = server.connect << (get * 5)
      expect([Array.new(3) { client.response.status }, client.rest]).to eq([[200] * 3, ''])
    end

    it 'connections: more of them wait, and are served as others leave' do
      server = serve(connections: 3) { |request| request.respond(request.path) }
      clients = Array.new(3) { server.connect }
      expect(clients.map { |client| client.get.status }).to eq([200] * 3)
      more = Array.new(2) { |i| server.connect << get("/#{i}") }
      settle
      expect([server.server.connections, more.map { |client| client.io.read_nonblock(1, exception: false) }]).to eq([3, [:wait_readable] * 2])
      clients.shift.close
      expect(more.shift.response.body).to eq('/0')
      settle
      clients.each(&:close)
      expect(more.shift.response.body).to eq('/1')
      expect(server.lines).to eq(['polyphony: 3 connections are open, which is the limit: new ones wait'])
    end
  end

  describe 'of time', :virtual_time do
    # Seconds until the connection ends, with what it got before.
    def end_of(client)
      rest = begin
        client.rest
      rescue Errno::ECONNRESET
        :reset
      end
      [time.floor, rest]
    end

    def open_sockets(**limits, &handler)
      handler ||= proc { |request| request.respond(request.read) }
      serve(bind: "unix://#{Dir.tmpdir}/polyphony-#{Process.pid}-#{rand(1 << 60)}.sock", **limits, &handler)
    end

    it 'idle_timeout: the connection is closed' do
      server = open_sockets(idle_timeout: 20)
      seconds, rest = end_of(server.connect)
      expect([seconds.between?(20, 22), rest]).to eq([true, ''])
      client = server.connect
      client.get
      began = time
      seconds, rest = end_of(client)
      expect([(seconds - began).between?(19, 22), rest, server.log]).to eq([true, '', ''])
    end

    it 'header_timeout: 408, whether anything comes or not' do
      server = open_sockets(header_timeout: 5)
      client = server.connect << 'GET / HTTP/1.1'
      seconds, rest = end_of(client)
      expect(seconds).to be_between(5, 7)
      expect(rest).to start_with("HTTP/1.1 408 Request Timeout\r\n").and include("connection: close\r\n").and end_with("408 Request Timeout\n")
      expect(server.lines).to eq(['polyphony: unix: the header did not come in time (408)'])
      client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n"
      dripping = spin do
        loop { (client << "X: 1\r\n") && sleep(0.5) }
      rescue Errno::EPIPE
        nil
      end
      began = time
      expect(client.response.status).to eq(408)
      expect(time - began).to be_between(5, 7)
      dripping.stop
    end

    it 'body_timeout: 408 if nothing comes; it may take long' do
      server = open_sockets(body_timeout: 5, handler_timeout: 1000)
      client = server.connect << post('Content-Length: 100') << 'begun'
      expect(client.response.status).to eq(408)
      expect(time).to be_between(5, 7)
      expect(server.lines).to eq(['polyphony: unix: the body did not come in time (408)'])
      client = server.connect << post('Content-Length: 20')
      20.times { (client << 'x') && sleep(3) }
      expect(client.response.status).to eq(200)
    end

    it 'handler_timeout: 503, and the handler is ended' do
      ended = nil
      server = open_sockets(handler_timeout: 5) do |request|
        sleep(request.path == '/slow' ? 100 : 1)
        request.respond('in time')
      rescue StandardError
        ended = :swallowed
      ensure
        ended ||= time.floor if request.path == '/slow'
      end
      client = server.connect << get('/slow')
      response = client.response
      expect([response.status, response.keep_alive?, response.body, client.rest]).to eq([503, false, "503 Service Unavailable\n", ''])
      expect(ended).to be_between(5, 7)
      expect(server.lines).to eq(['polyphony: GET /slow: no answer within 5 s'])
      expect(server.get('/').body).to eq('in time')
    end

    it 'handler_timeout: an answer that goes out in pieces may take long' do
      server = open_sockets(handler_timeout: 5) { |request| 10.times { (request << 'x') && sleep(3) } }
      expect(server.get.body).to eq('x' * 10)
    end

    it 'write_timeout: the connection of who takes nothing is closed' do
      error = nil
      server = open_sockets(write_timeout: 5) do |request|
        request.respond('x' * 5_000_000)
      rescue Polyphony::HTTP::Error => e
        error = e
      end
      client = server.connect << get
      sleep 1
      sleep 1 until server.server.connections.zero?
      expect(time).to be_between(5, 9)
      expect(client.rest.bytesize).to be < 5_000_000
      expect([error, server.lines]).to match([nil, ['polyphony: unix: it has taken nothing for 5 s: closed']])
    end

    it 'write_timeout: a handler that sends pieces learns of it' do
      error = nil
      server = open_sockets(write_timeout: 5) do |request|
        loop { request << ('x' * 100_000) }
      rescue Polyphony::HTTP::Error => e
        error = e
        raise
      end
      client = server.connect << get
      sleep 1 until error
      expect([error.class, time.between?(5, 9)]).to eq([Polyphony::HTTP::Disconnected, true])
      client.close
    end

    it 'is none where it is nil' do
      server = open_sockets(idle_timeout: nil, header_timeout: nil, body_timeout: nil, handler_timeout: nil) do |request|
        sleep 10_000
        request.respond(request.read)
      end
      client = server.connect
      sleep 10_000
      client << 'POST / HTT'
      sleep 10_000
      client << "P/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n"
      sleep 20_000
      client << 'x'
      expect(client.response.body).to eq('x')
    end
  end

  it 'has names, defaults and values that can be' do
    expect(described_class.new.to_h).to eq(described_class::DEFAULTS)
    expect(described_class.new(body_bytes: nil, header_timeout: 1.5).to_h).to include(body_bytes: nil, header_timeout: 1.5, requests: 10_000)
    expect { described_class.new(body_size: 1) }.to raise_error(ArgumentError, /no limit is named body_size; there are: target_bytes, /)
    [[:connections, 0], [:connections, -1], [:body_bytes, -1], [:header_timeout, 0], [:header_timeout, -1], [:header_timeout, Float::NAN]].each do |name, value|
      expect([name, value, error_of { described_class.new(name => value) }.class]).to eq([name, value, ArgumentError])
    end
    expect { described_class.new(header_timeout: '5') }.to raise_error(TypeError)
    expect { described_class.new(header_count: 1.5) }.to raise_error(ArgumentError)
    expect { serve(header_timeout: -1) { nil } }.to raise_error(ArgumentError)
  end
end
