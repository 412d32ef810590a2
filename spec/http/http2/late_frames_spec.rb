# frozen_string_literal: true

require_relative '../../support/http2_server'

# The answer is out before the client's next frame comes: errors in that frame are told nevertheless. (Over a
# network it mostly is so.)
RSpec.describe 'HTTP/2: a request without its body that has been answered', :fibers do
  let(:server) { serve { |request| request.respond('hello') } }

  def unfinished
    client = h2(server)
    stream = client.send_request('POST', '/quick', finish: false, length: false)
    expect(client.header_of(stream)).not_to be_nil
    client.sync
    [client, stream]
  end

  {
    'WINDOW_UPDATE of nothing' => [->(client, stream) { client.window_update(stream, 0) }, :PROTOCOL_ERROR],
    'a window too large' => [->(client, stream) { 2.times { client.window_update(stream, (1 << 31) - 1) } }, :FLOW_CONTROL_ERROR],
    'HEADERS in the middle of its body' => [->(client, stream) { client.data(stream, 'x') && client.headers(stream, [%w[x-a b]], end_stream: false) }, :PROTOCOL_ERROR],
    'a pseudo-field in its trailers' => [->(client, stream) { client.data(stream, 'x') && client.headers(stream, [[':method', 'GET']]) }, :PROTOCOL_ERROR],
    'DATA after RST_STREAM' => [->(client, stream) { client.rst_stream(stream) && client.data(stream, 'x', end_stream: true) }, :STREAM_CLOSED],
    'HEADERS after RST_STREAM' => [->(client, stream) { client.rst_stream(stream) && client.headers(stream, client.head) }, :STREAM_CLOSED]
  }.each do |what, (send, code)|
    it "is told of #{what}" do
      client, stream = unfinished
      send.call(client, stream)
      expect_error(client, stream, code)
    end
  end

  it 'is told that its body is not wanted when it goes on sending it, as no error' do
    client, stream = unfinished
    4.times { client.data(stream, 'x' * 10_000) }
    client.take until client.streams[stream].reset
    expect_stream_error(client, stream, :NO_ERROR)
    expect_alive(client)
  end
end
