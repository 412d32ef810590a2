# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/http_hostile'

# Each of these gets exactly one response, with the right status, and the end of its connection, however it
# arrives; the handler never sees it; and who is served beside it notices nothing. To see one fail, take its
# rule out of ext/http/http1_rules.c.
RSpec.describe 'Hostile requests', :fibers do
  # Reads on until the server closes the connection: a reset on the way fails.
  def answer_to(server, bytes, slowly: false)
    client = server.connect
    deliver(client, bytes, slowly)
    response = client.response
    [response, client.rest]
  ensure
    client.close
  end

  def deliver(client, bytes, slowly)
    return client << bytes unless slowly

    bytes.each_char do |byte|
      client << byte
      Polyphony.snooze
    end
  rescue Errno::EPIPE, Errno::ECONNRESET
    nil # the server has seen enough
  end

  def refused(server, bytes, **options)
    response, rest = answer_to(server, bytes, **options)
    [response.status, response['connection'], rest]
  end

  let(:seen) { [] }
  let(:hello) do
    serve(body_bytes: 100_000) do |request|
      seen << request.target
      request.respond('hello')
    end
  end
  let(:reading) do
    serve(body_bytes: 100_000) do |request|
      seen << request.target
      request.respond(request.read)
    end
  end

  def check(server, cases, statuses, slowly: false)
    cases.each do |name, bytes|
      next if slowly && bytes.bytesize > 5000

      status, connection, rest = refused(server, bytes, slowly: slowly)
      expect([name, [*statuses] & [status], connection, rest, seen]).to eq([name, [status], 'close', '', []])
    end
  end

  HttpHostile::HEADS.each do |title, statuses|
    statuses.each do |status, cases|
      it "#{title}: #{cases.size} that are answered by #{[*status].join(' or ')}" do
        neighbour = hello.connect
        check(hello, cases, status)
        check(hello, cases, status, slowly: true)
        expect(neighbour.get('/neighbour').body).to eq('hello')
        expect(hello.server.connections).to eq(1)
        expect(hello.lines.grep(/ \(\d{3}\)\z/).size).to be >= cases.size
      end
    end
  end

  HttpHostile::CHUNKS.each do |status, cases|
    it "chunks: #{cases.size} that are answered by #{status} when they are read" do
      [false, true].each do |slowly|
        cases.each do |name, bytes|
          next if slowly && bytes.bytesize > 5000

          response, rest = answer_to(reading, bytes.b, slowly: slowly)
          expect([name, response.status, response['connection'], rest, seen.uniq]).to eq([name, status, 'close', '', ['/']])
        end
      end
    end
  end

  # The answer is there when the rest of the request turns out to be none. While it has not gone out, it is
  # taken back; after that, all that can be done is to close.
  it 'chunks, when the handler does not read them: one answer in any case' do
    HttpHostile::CHUNKS.each do |status, cases|
      cases.each do |name, bytes|
        response, rest = answer_to(hello, bytes.b)
        allowed = bytes.bytesize > 16_000 ? [200, status] : [status]
        expect([name, allowed & [response.status], rest]).to eq([name, [response.status], ''])
        response, rest = answer_to(hello, bytes.b, slowly: true) if bytes.bytesize < 5000
        expect([name, [200, status] & [response.status], rest]).to eq([name, [response.status], ''])
      end
    end
  end

  it 'does not take back the answers to requests before it' do
    client = hello.connect << "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"
    expect([client.response.status, client.response.status, client.rest]).to eq([200, 400, ''])
    expect(seen).to eq(%w[/1 /2])
  end

  it 'answers the requests before a bad one, and none behind it' do
    client = hello.connect << "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
    first, second = Array.new(2) { client.response }
    expect([first.status, first.keep_alive?, second.status, second.keep_alive?, client.rest]).to eq([200, true, 400, false, ''])
    expect(seen).to eq(['/1'])
  end

  it 'closes after what is incomplete when its client ends' do
    ["GET / HTTP/1.1\r\nHost: a\r\n", 'GE', "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"].each do |bytes|
      client = reading.connect << bytes
      client.finish
      expect([client.response.status, client.rest]).to eq([400, ''])
    end
    client = reading.connect
    client.finish
    expect(client.rest).to eq('') # nothing was asked
  end

  it 'is the same whether HTTP/0.9 goes on or not' do
    ["GET /\r\n", "GET /\n", "GET /\r"].each { |bytes| expect(refused(hello, bytes)).to eq([400, 'close', '']) }
  end

  it 'answers HEAD without a body, even if it has a bad one' do
    [hello, reading].each do |server|
      client = server.connect << "HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"
      expect([client.response(head: true).status, client.rest]).to eq([400, ''])
    end
  end

  # HTTP/2 without the right preface, say, whose client would take an answer for a frame.
  it 'closes, and logs, when the first line is not even like one of HTTP/1' do
    client = hello.connect << "INVALID CONNECTION PREFACE\r\n\r\n"
    expect([client.rest, seen]).to eq(['', []])
    expect(hello.log).to match(/127\.0\.0\.1:\d+: .+ \(501\)$/)
  end

  it 'takes what it has to take' do
    good = ["\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHOST:a\r\nX:\r\n\r\n", "GET / HTTP/1.1\r\nHost: \t a \t \r\nX: \xff\xfe\t\"\r\n\r\n".b,
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a/?b HTTP/1.1\r\nHost: A\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "M-SEARCH / HTTP/1.1\r\nHost: a:1\r\n\r\n",
            "GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /?a=[]{}|\\^`\"<> HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0000000\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: cHuNkEd\r\n\r\n5;a=\"d e\";f\r\nhello\r\n00\r\nX: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\n"]
    good.each do |bytes|
      client = reading.connect << bytes
      expect([bytes, client.response.status]).to eq([bytes, 200])
      client.close
    end
  end
end
