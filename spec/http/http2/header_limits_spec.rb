# frozen_string_literal: true

require_relative '../../support/http2_server'

# What a header may be.
RSpec.describe 'HTTP/2: limits of a header', :fibers do
  # The status of the answer, or the code of the reset, or that of GOAWAY.
  def outcome(client, stream)
    client.take until client.goaway || client.streams[stream].over? || client.streams[stream].fields
    client.streams[stream].status || client.streams[stream].reset || client.goaway.code
  end

  def ask(client, fields = [], path: '/', pieces: 1)
    stream = client.new_stream
    client.headers(stream, client.head('GET', path, fields), pieces: pieces)
    outcome(client, stream)
  end

  let(:server) { serve(header_bytes: 20_000, header_count: 50, target_bytes: 1000) { |request| request.respond('hello') } }

  it 'are told by SETTINGS_MAX_HEADER_LIST_SIZE' do
    expect(h2(server).server_settings[6]).to be_between(20_000, 40_000)
  end

  {
    'more bytes than header_bytes, in many fields' => [{ fields: Array.new(40) { |i| ["x-#{i}", 'v' * 800] }, pieces: 3 }, 431],
    'more bytes than header_bytes, in one field' => [{ fields: [['x', 'v' * 30_000]], pieces: 3 }, 431],
    'more fields than header_count' => [{ fields: Array.new(100) { |i| ["x-#{i}", 'v'] } }, 431],
    'a longer target than target_bytes' => [{ path: "/#{'p' * 2000}" }, 414]
  }.each do |title, (options, status)|
    it "#{title}: #{status}; the handler is not called, the connection goes on, the log says it" do
      client = h2(server)
      expect(ask(client, options[:fields] || [], **options.except(:fields))).to eq(status)
      expect(client.sync.get.body).to eq('hello')
      expect(server.log).to match(/^polyphony: 127\.0\.0\.1:\d+: .*\(#{status}\)$/)
    end
  end

  it 'count what is in the tables, not what was sent: a bomb of HPACK is refused' do
    client = h2(server)
    client.headers(1, HTTP2Hpack.encode(client.head) + HTTP2Hpack.literal('x-bomb', 'v' * 3000, as: :indexing))
    expect(client.response(1).status).to eq(200)
    client.headers(3, HTTP2Hpack.encode(client.head) + (HTTP2Hpack.indexed(62) * 4000)) # 12 MB in 4 KB
    expect(outcome(client, 3)).to eq(431).or eq(:ENHANCE_YOUR_CALM).or eq(:PROTOCOL_ERROR)
    expect(h2(server).get.body).to eq('hello')
  end

  it 'take what is just within them' do
    client = h2(server)
    expect(ask(client, Array.new(40) { |i| ["x-#{i}", 'v' * 350] })).to eq(200)
    expect(ask(client, [], path: "/#{'p' * 999}")).to eq(200)
  end

  it 'hold for trailers: trailer_bytes' do
    server = serve(trailer_bytes: 1000) { |request| request.respond(request.read) }
    client = h2(server)
    stream = client.send_request('POST', '/', finish: false)
    client.data(stream, 'body')
    client.headers(stream, [['x', 'v' * 3000]])
    expect(outcome(client, stream)).to eq(431).or eq(:PROTOCOL_ERROR).or eq(:ENHANCE_YOUR_CALM)
    expect(client.sync.get.status).to eq(200)
  end

  it 'have defaults' do
    client = h2(serve { |request| request.respond('hello') })
    expect(ask(client, [['x', 'v' * 10_000]])).to eq(200)
    expect(ask(client, Array.new(4) { |i| ["x-#{i}", 'v' * 20_000] }, pieces: 6)).to eq(431)
    expect(ask(client, Array.new(150) { |i| ["x-#{i}", 'v'] })).to eq(431)
    expect(ask(client, [], path: "/#{'p' * 9000}")).to eq(414)
    expect(client.get.status).to eq(200)
  end
end
