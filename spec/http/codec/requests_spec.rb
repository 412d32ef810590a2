# frozen_string_literal: true

require_relative '../../support/http_codec'

RSpec.describe 'HTTP/1 requests that are understood', :codec do
  # [head, fields] of the only request in +bytes+
  def head_of(bytes, **options)
    (kind, head, fields), *rest = read_every_way(bytes, **options)
    expect([kind, rest.last.first]).to eq(%i[head end])
    [head, fields]
  end

  it 'gives what the head says' do
    head, fields = head_of("GET /a/b?c=d&e HTTP/1.1\r\nHost: example.com:81\r\nX-One:1\r\nx-TWO: \t two words \t\r\nEmpty:\r\nX-One: 2\r\n\r\n")
    expect(head).to eq(method: 'GET', target: '/a/b?c=d&e', path: '/a/b', query_string: 'c=d&e', scheme: nil,
                       authority: 'example.com:81', version: 'HTTP/1.1', keep_alive?: true, upgrade?: false, chunked?: false,
                       expect_continue?: false, content_length: nil, body?: false)
    expect(fields).to eq([%w[host example.com:81], %w[x-one 1], ['x-two', 'two words'], ['empty', ''], %w[x-one 2]])
  end

  it 'understands every form of the target' do
    {
      "GET / HTTP/1.1\r\nHost: a" => ['/', '/', '', nil, 'a'],
      "GET /? HTTP/1.1\r\nHost: a" => ['/?', '/', '', nil, 'a'],
      "GET //x?y?z HTTP/1.1\r\nHost: a" => ['//x?y?z', '//x', 'y?z', nil, 'a'],
      "GET /%00%zz|{}[]^`\\\" HTTP/1.1\r\nHost: a" => ['/%00%zz|{}[]^`\\"', '/%00%zz|{}[]^`\\"', '', nil, 'a'],
      "GET http://A.b:8080/x?y HTTP/1.1\r\nHost: a.B:8080" => ['http://A.b:8080/x?y', '/x', 'y', 'http', 'A.b:8080'],
      "GET https://a HTTP/1.1\r\nHost: a" => ['https://a', '/', '', 'https', 'a'],
      "GET http://a?b HTTP/1.1\r\nHost: a" => ['http://a?b', '/', 'b', 'http', 'a'],
      "GET http://[::1]:8/ HTTP/1.1\r\nHost: [::1]:8" => ['http://[::1]:8/', '/', '', 'http', '[::1]:8'],
      "OPTIONS * HTTP/1.1\r\nHost: a" => ['*', '*', '', nil, 'a'],
      "CONNECT a.b:443 HTTP/1.1\r\nHost: a.b:443" => ['a.b:443', '', '', nil, 'a.b:443'],
      'GET / HTTP/1.0' => ['/', '/', '', nil, nil]
    }.each do |lines, expected|
      head, = head_of("#{lines}\r\n\r\n")
      expect([lines, head.values_at(:target, :path, :query_string, :scheme, :authority)]).to eq([lines, expected])
    end
  end

  it 'knows the hosts that there may be' do
    ['a', 'A.example', '127.0.0.1', 'a-b_c~d', 'xn--bcher-kva.example:8080', '[::1]', '[2001:db8::1]:443', 'a:', 'a:0', 'a%20b', "!$&'()*+;="].each do |host|
      head, = head_of("GET / HTTP/1.1\r\nHost: #{host}\r\n\r\n")
      expect(head[:authority]).to eq(host)
    end
  end

  it 'knows the methods of HTTP and WebDAV' do
    %w[GET HEAD POST PUT DELETE OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH PURGE
       LINK UNLINK M-SEARCH MKCALENDAR ACL BIND].each do |method|
      head, = head_of("#{method} /x HTTP/1.1\r\nHost: a\r\n\r\n")
      expect(head[:method]).to eq(method)
    end
  end

  it 'decides whether the connection goes on' do
    {
      ['1.1', ''] => true, ['1.1', "Connection: close\r\n"] => false, ['1.1', "Connection: Close\r\n"] => false,
      ['1.1', "Connection: keep-alive\r\n"] => true, ['1.1', "Connection: x, close , y\r\n"] => false,
      ['1.1', "Connection: x\r\nConnection: close\r\n"] => false, ['1.1', "Connection: closed\r\n"] => true,
      ['1.1', "Connection: close, keep-alive\r\n"] => false,
      ['1.0', ''] => false, ['1.0', "Connection: keep-alive\r\n"] => true, ['1.0', "Connection: Keep-Alive, x\r\n"] => true,
      ['1.0', "Connection: keep-alive, close\r\n"] => false
    }.each do |(version, line), goes_on|
      head, = head_of("GET / HTTP/#{version}\r\nHost: a\r\n#{line}\r\n")
      expect([version, line, head[:keep_alive?]]).to eq([version, line, goes_on])
    end
  end

  it 'sees an upgrade only if both fields ask for it' do
    {
      "Connection: Upgrade\r\nUpgrade: websocket\r\n" => true, "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n" => true,
      "Upgrade: websocket\r\n" => false, "Connection: upgrade\r\n" => false, "Connection: upgrade\r\nUpgrade:\r\n" => false
    }.each do |lines, upgrade|
      head, = head_of("GET / HTTP/1.1\r\nHost: a\r\n#{lines}\r\n")
      expect([lines, head[:upgrade?]]).to eq([lines, upgrade])
    end
    expect(head_of("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").first[:upgrade?]).to be(false)
  end

  it 'leaves what follows an upgrade to others' do
    reading = Support::HTTPCodec::Reading.new
    reading.parser.feed("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n\x81\x00frame".b)
    expect(reading.parser.next_head).to be_upgrade
    expect(reading.parser.take_buffered).to eq("\x81\x00frame".b)
    expect([reading.parser.buffered, reading.parser.take_buffered]).to eq([0, ''])
  end

  it 'expects to be told to go on, if a body comes' do
    { "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\nx" => true,
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" => true,
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n" => false,
      "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n" => false,
      "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx" => false }.each do |bytes, expects|
      expect([bytes, head_of(bytes).first[:expect_continue?]]).to eq([bytes, expects])
    end
  end

  it 'keeps bytes above 0x7f of values, in BINARY' do
    _, fields = head_of("GET / HTTP/1.1\r\nHost: a\r\nX: caf\xc3\xa9 \xff\r\n\r\n".b)
    expect(fields.last).to eq(['x', "caf\xc3\xa9 \xff".b])
    expect(fields.last.last.encoding).to eq(Encoding::BINARY)
    expect(fields.first.last.encoding).to eq(Encoding::UTF_8)
  end

  it 'lets a few empty lines pass before a request' do
    head, = head_of("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
    expect(head[:method]).to eq('GET')
  end

  describe 'bodies' do
    post = "POST / HTTP/1.1\r\nHost: a\r\n"

    it 'takes Content-Length bytes' do
      body = Random.new(1).bytes(300)
      events = read_every_way("#{post}Content-Length: 300\r\n\r\n".b + body)
      expect(events[1..]).to eq([[:body, body], [:end, {}]])
      expect(events.dig(0, 1).values_at(:content_length, :body?, :chunked?)).to eq([300, true, false])
    end

    it 'takes none for Content-Length 0, with zeros before it or not' do
      %w[0 000].each do |zero|
        events = read_every_way("#{post}Content-Length: #{zero}\r\n\r\n")
        expect(events[1..]).to eq([[:end, {}]])
        expect(events.dig(0, 1).values_at(:content_length, :body?)).to eq([0, false])
      end
    end

    it 'joins chunks, and gives trailers' do
      events = read_every_way("#{post}Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n1;x\r\n,\r\n00A;a=\"d e;\";b=c\r\n wide worl\r\n1\r\nd\r\n0;last\r\nX-Sum: 1\r\nX-sum: 2\r\nEmpty: \r\n\r\n")
      expect(events[1..]).to eq([[:body, 'hello, wide world'], [:end, { 'x-sum' => '1, 2', 'empty' => '' }]])
      expect(events.dig(0, 1).values_at(:content_length, :body?, :chunked?)).to eq([nil, true, true])
    end

    it 'takes spaces around lengths and codings' do
      ["\tchunked", 'chunked ', " \t CHUNKED  "].each do |value|
        expect(read_every_way("#{post}Transfer-Encoding:#{value}\r\n\r\n1\r\na\r\n0\r\n\r\n")[1..]).to eq([[:body, 'a'], [:end, {}]])
      end
      ["\t1", '1 ', " \t 1  "].each do |value|
        expect(read_every_way("#{post}Content-Length:#{value}\r\n\r\na")[1..]).to eq([[:body, 'a'], [:end, {}]])
      end
    end

    it 'takes a chunk of nothing' do
      expect(read_every_way("#{post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")[1..]).to eq([[:end, {}]])
    end

    it 'takes chunks that look like requests and ends' do
      data = "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n"
      events = read_every_way("#{post}Transfer-Encoding: chunked\r\n\r\n#{data.bytesize.to_s(16).upcase}\r\n#{data}\r\n0\r\n\r\n")
      expect(events[1..]).to eq([[:body, data], [:end, {}]])
    end

    it 'gives trailers of one request only' do
      events = read_every_way("#{post}Transfer-Encoding: chunked\r\n\r\n0\r\nX: 1\r\n\r\n#{post}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
      expect(events.select { |event| event.first == :end }.map(&:last)).to eq([{ 'x' => '1' }, {}])
    end

    it 'takes a chunked body of a request that asks for an upgrade' do
      events = read_every_way("#{post}Connection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
      expect(events[1..]).to eq([[:body, 'a'], [:end, {}]])
    end

    it 'takes what a connection that will be closed still brings' do
      events = read_every_way("#{post}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
      expect(events[1..]).to eq([[:body, 'ab'], [:end, {}]])
    end
  end

  it 'reads pipelined requests of every kind' do
    post = "POST /1 HTTP/1.1\r\nHost: a\r\n"
    bytes = "GET /0 HTTP/1.1\r\nHost: a\r\n\r\n#{post}Content-Length: 3\r\n\r\nabc#{post}Transfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n" \
            "HEAD /2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n" * 20
    events = read_every_way(bytes)
    expect(events.select { |event| event.first == :head }.map { |event| event[1][:path] }).to eq(%w[/0 /1 /1 /2 /3] * 20)
    expect(events.select { |event| event.first == :body }.map(&:last)).to eq(%w[abc de] * 20)
  end
end
