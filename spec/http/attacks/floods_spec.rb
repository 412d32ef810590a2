# frozen_string_literal: true

require_relative '../../support/http_crowd'

# Who sends more than anybody needs. The server has a process of its own, so that its memory can be seen.
RSpec.describe 'A flood', timeout: 90 do
  # Sends +head+ and then +piece+ again and again until the server has had enough, or +limit+ bytes are sent.
  #
  # @return [Array(Integer, Integer)] the status of the answer, bytes sent
  def flood(client, head, piece, limit: 100 << 20)
    client << head
    sent = head.bytesize
    while sent < limit && !client.io.wait_readable(0)
      written = client.io.write_nonblock(piece, exception: false)
      written.is_a?(Integer) ? sent += written : client.io.wait(0.1)
    end
    [client.response.status, sent]
  rescue Errno::EPIPE, Errno::ECONNRESET
    [client.response.status, sent]
  ensure
    client.close
  end

  # The memory of the server after the block has run, in KB above what it was before. Others are served.
  def growth(server)
    3.times { fetch(server) }
    before = server.memory
    yield
    expect(fetch(server).body).to eq('hello')
    server.memory - before
  end

  let(:handler) { "request.path == '/read' ? request.respond(request.read.bytesize.to_s) : request.respond('hello')" }
  let(:post) { "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" }

  # title => [status, head, piece that is repeated]
  {
    'one header field of 100 MB' => [431, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ", 'x' * 65_536],
    'header fields, 100 MB of them' => [431, "GET / HTTP/1.1\r\nHost: localhost\r\n", "X-Field: #{'x' * 1000}\r\n" * 60],
    'short header fields without end' => [431, "GET / HTTP/1.1\r\nHost: localhost\r\n", "a:b\r\n" * 12_000],
    'one field name of 100 MB' => [431, "GET / HTTP/1.1\r\nHost: localhost\r\n", 'x' * 65_536],
    'a target of 100 MB' => [414, 'GET /', 'x' * 65_536],
    'a method of 100 MB' => [[400, 501], '', 'X' * 65_536]
  }.each do |title, (status, head, piece)|
    it "of #{title} is answered by #{[*status].join(' or ')} before it is stored" do
      server = serve_in_child(handler)
      answers = nil
      grown = growth(server) { answers = Array.new(10) { flood(server.connect, head, piece) } }
      expect(answers.map(&:first)).to all(satisfy { |got| [*status].include?(got) })
      figure("10 clients sent #{answers.sum(&:last) >> 10} KB; the server grew by #{grown} KB")
      expect(grown).to be < 8_000
    end
  end

  it 'of chunks to a handler that does not read gets the answer, and the connection is closed' do
    server = serve_in_child(handler)
    answers = nil
    grown = growth(server) do
      answers = Array.new(5) { flood(server.connect, "POST / HTTP/1.1\r\n#{post}", "1000\r\n#{'x' * 4096}\r\n" * 16) }
    end
    expect(answers.map(&:first)).to all(eq(200))
    expect(answers.map(&:last)).to all(be < 30 << 20)
    expect(grown).to be < 8_000
  end

  it 'of chunks to a handler that reads all of it ends at body_bytes with 413' do
    server = serve_in_child(handler, options: 'body_bytes: 1 << 20')
    answers = nil
    grown = growth(server) do
      answers = Array.new(5) { flood(server.connect, "POST /read HTTP/1.1\r\n#{post}", "1000\r\n#{'x' * 4096}\r\n" * 16) }
    end
    figure("5 clients sent #{answers.sum(&:last) >> 10} KB; the server grew by #{grown} KB")
    expect(answers.map(&:first)).to all(eq(413))
    expect(grown).to be < 40_000
  end

  it 'of tiny chunks, each with an extension, is refused before there is much of it' do
    server = serve_in_child(handler, options: 'body_bytes: 200_000')
    answer = nil
    grown = growth(server) { answer = flood(server.connect, "POST /read HTTP/1.1\r\n#{post}", "1;#{'x' * 200}\r\na\r\n" * 300) }
    figure("the client sent #{answer.last >> 10} KB; the server grew by #{grown} KB")
    expect(answer.first).to eq(400)
    expect(answer.last).to be < 30 << 20
    expect(grown).to be < 8_000
  end

  it 'of bytes that a handler takes in pieces passes through without being gathered' do
    server = serve_in_child(<<~RUBY, options: 'body_bytes: nil')
      next request.respond('hello') if request.path == '/'
      size = 0
      request.each_chunk { |chunk| size += chunk.bytesize }
      request.respond(size.to_s)
    RUBY
    size = nil
    grown = growth(server) do
      client = server.connect
      client << "POST /count HTTP/1.1\r\n#{post}"
      piece = "100000\r\n#{'x' * (1 << 20)}\r\n"
      300.times { client << piece }
      client << "0\r\n\r\n"
      size = client.response.body
    end
    figure("300 MB went through; the server grew by #{grown} KB")
    expect(Integer(size)).to eq(300 << 20)
    expect(grown).to be < 100_000 # what Ruby lets lie about between two collections
  end

  it 'of one chunk extension without end is refused' do
    server = serve_in_child(handler)
    grown = growth(server) do
      expect(flood(server.connect, "POST /read HTTP/1.1\r\n#{post}1;x=", 'x' * 65_536).first).to eq(400)
      # Of a body that nobody reads: the answer may be out already.
      expect(flood(server.connect, "POST / HTTP/1.1\r\n#{post}1;x=", 'x' * 65_536).first).to eq(400).or eq(200)
    end
    expect(grown).to be < 8_000
  end

  it 'of trailers without end is refused, in number and in size' do
    server = serve_in_child(handler)
    grown = growth(server) do
      ["x: y\r\n" * 1000, 'x' * 65_536].each do |piece|
        expect(flood(server.connect, "POST /read HTTP/1.1\r\n#{post}1\r\na\r\n0\r\n", piece).first).to eq(431)
      end
    end
    expect(grown).to be < 8_000
  end

  it 'of 10,000 requests in one write waits for a slow handler: what is not read yet stays with the client' do
    server = serve_in_child(<<~RUBY, prelude: "$count = 0\nGATE = Polyphony::Event.new")
      case request.path
      when '/count' then request.respond($count.to_s)
      when '/open' then GATE.set; request.respond('open')
      when '/' then request.respond('hello')
      else
        $count += 1
        GATE.wait
        request.respond("\#{request.path[1..]} \#{'x' * 10_000}")
      end
    RUBY
    client = server.connect
    writer = nil
    grown = growth(server) do
      requests = Array.new(10_000) { |i| "GET /#{i} HTTP/1.1\r\nHost: localhost\r\n\r\n" }.join
      writer = Thread.new { client << requests }
      eventually { fetch(server, '/count').body == '1' }
    end
    fetch(server, '/open')
    grown = [grown, growth(server) { eventually { fetch(server, '/count').body.to_i > 10 } }].max
    answers = Array.new(10_000) { client.response }
    writer.join
    expect(answers.map { |answer| answer.body.to_i }).to eq((0...10_000).to_a)
    expect(answers.last).not_to be_keep_alive # the 10,000th of this connection
    figure("the server grew by #{grown} KB")
    expect(grown).to be < 16_000
  end

  it 'of requests whose answers nobody reads stops at what the kernel holds' do
    server = serve_in_child(<<~RUBY, prelude: '$count = 0')
      next request.respond('hello') if request.path == '/'
      next request.respond($count.to_s) if request.path == '/count'
      $count += 1
      request.respond('x' * 1_000_000)
    RUBY
    client = server.connect(receive_buffer: 4096)
    counts = nil
    grown = growth(server) do
      client << "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000
      eventually { fetch(server, '/count').body.to_i.positive? }
      counts = Array.new(200) { fetch(server, '/count').body.to_i }
    end
    figure("#{counts.last} of 1000 requests were served; the server grew by #{grown} KB")
    expect(counts.max).to be < 20
    expect(grown).to be < 30_000
    client.close
  end
end
