# frozen_string_literal: true

require 'rack/multipart'
require_relative '../../support/rack_app'

RSpec.describe 'rack.input', :fibers do
  # @yieldparam input [Object] inside Lint
  # @return [Object] what the block gives for a request with this body
  def with_input(body, headers: {}, lint: true, **options, &block)
    result = nil
    server = rack(lint: lint, **options) { |env| (result = [block.call(env['rack.input'], env)]) && [200, {}, []] }
    client = server.connect
    client.send_request('POST', '/', headers: headers, body: body)
    expect([client.response.status, server.log]).to eq([200, ''])
    result.first
  end

  it 'reads as IO does' do
    input = 'hello world'
    expect(with_input(input) { |io| io.read }).to eq(input)
    expect(with_input(input) { |io| [io.read(5), io.read(0), io.read(100), io.read(1), io.read, io.read(nil), io.read(0)] })
      .to eq(['hello', '', ' world', nil, '', '', ''])
    expect(with_input(input) do |io|
      buffer = +'old'
      [5, 100, 1].map { |length| [io.read(length, buffer).equal?(buffer), buffer.dup] }
    end).to eq([[true, 'hello'], [true, ' world'], [false, '']])
    expect(with_input(input) { |io| io.read.encoding }).to eq(Encoding::BINARY)
    expect(with_input(input, lint: false) { |io| io.read(-1) rescue $!.class }).to eq(ArgumentError)
  end

  it 'gives lines' do
    text = "one\ntwo\r\n\nlast"
    expect(with_input(text) { |io| Array.new(5) { io.gets } }).to eq(["one\n", "two\r\n", "\n", 'last', nil])
    expect(with_input(text) { |io| io.enum_for(:each).to_a }).to eq(["one\n", "two\r\n", "\n", 'last'])
    expect(with_input(text) { |io| [io.gets, io.read(2), io.gets, io.read] }).to eq(["one\n", 'tw', "o\r\n", "\nlast"])
  end

  it 'gives many short lines in no time that grows with their square' do
    text = "\n" * 500_000
    expect(with_input(text) { |io| io.enum_for(:each).count }).to eq(500_000)
  end

  it 'is empty without a body' do
    server = rack do |env|
      io = env['rack.input']
      [200, {}, [[io.read, io.read(1), io.gets, io.read(0), io.enum_for(:each).to_a].inspect]]
    end
    expect(server.get.body).to eq(['', nil, nil, '', []].inspect)
  end

  it 'knows its size, and cannot be rewound' do
    expect(with_input('12345', lint: false) { |io| [io.size, io.respond_to?(:rewind), io.close] }).to eq([5, false, nil])
  end

  it 'comes in chunks as well, without a size' do
    seen = nil
    client = rack(lint: false) { |env| (seen = [env['rack.input'].size, env['rack.input'].read, env['CONTENT_LENGTH']]) && [200, {}, []] }.connect
    client << "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"
    client.response
    expect(seen).to eq([nil, 'abcde', nil])
  end

  it 'is read when the app asks for it, which is when 100 is sent' do
    client = rack { |env| [200, {}, [env['PATH_INFO'] == '/read' ? env['rack.input'].read : 'unread']] }.connect
    client << "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    expect(client.response.status).to eq(100)
    client << 'ab'
    expect(client.response.body).to eq('ab')
    client << "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    expect(client.response.body).to eq('unread')
  end

  it 'that is too large is 413, whether or not the app rescues what it gets' do
    server = rack(lint: false, body_bytes: 10) { |env| [200, {}, [env['rack.input'].read]] }
    expect(server.connect.request('POST', body: 'x' * 11).status).to eq(413)
  end

  it 'holds uploads for the parser of Rack' do
    boundary = 'XX'
    file = Random.new(1).bytes(300_000)
    body = "--#{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--#{boundary}\r\n" \
           "Content-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n".b +
           file + "\r\n--#{boundary}--\r\n".b
    params = with_input(body, headers: { 'Content-Type' => "multipart/form-data; boundary=#{boundary}" }) do |_, env|
      Rack::Request.new(env).params.tap { |all| all['file'][:bytes] = all['file'][:tempfile].read }
    end
    expect([params['note'], params['file'][:filename], params['file'][:bytes] == file]).to eq(['hello', 'a.bin', true])
  end

  it 'holds forms' do
    params = with_input('a=1&b[]=2&b[]=3', headers: { 'Content-Type' => 'application/x-www-form-urlencoded' }) { |_, env| Rack::Request.new(env).POST }
    expect(params).to eq('a' => '1', 'b' => %w[2 3])
  end
end
