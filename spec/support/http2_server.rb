# frozen_string_literal: true

require_relative 'http_crowd'
require_relative 'http2_client'
require 'polyphony/http/tls'

# For specs of HTTP/2: clients that are closed at the end of the example, and what a server is to do about errors.
module HTTP2Server
  # name => where the servers of {describe} listen
  TRANSPORTS = { 'clear text' => 'http://127.0.0.1:0', 'TLS' => 'https://127.0.0.1:0' }.freeze

  # A group of examples for each transport. `address` is that of a server that answers each request with "hello";
  # HTTP2_TARGET, an address or two of a running server, has them try that one instead.
  def self.describe(title, &block)
    TRANSPORTS.each_with_index do |(name, bind), index|
      RSpec.describe "#{title}, over #{name}", :fibers do
        let(:server) do
          tls = bind.start_with?('https') ? { tls: tls_options } : {}
          serve(bind: bind, **tls) do |request|
            next request.respond('no proxy', status: 405) if request.method == 'CONNECT'

            request.read
            request.respond('hello')
          end
        end
        let(:address) { ENV['HTTP2_TARGET']&.split&.at(index) || server.address }

        class_eval(&block)
      end
    end
  end

  # @param server [HttpServer::Running, HttpServer::Child, String] or an address
  # @return [HTTP2Wire::Client]
  def h2(server = address, index = 0, **options)
    server = server.address(index) unless server.is_a?(String)
    HTTP2Wire::Client.open(server, **options).tap { |client| (@h2_clients ||= []) << client }
  end

  # A request that the server has answered with no more than a header, and that is open for it: we have no window.
  # @return [Array(HTTP2Wire::Client, Integer)]
  def half_closed(**options)
    client = h2(settings: { INITIAL_WINDOW_SIZE: 0 }, **options)
    stream = client.send_request
    client.header_of(stream)
    [client, stream]
  end

  # @return [Array(HTTP2Wire::Client, Integer)] a request whose body is still to come
  def opened(**options)
    client = h2(**options)
    [client, client.send_request('POST', '/', finish: false)]
  end

  # @return [Array(HTTP2Wire::Client, Integer)] a request that was answered
  def answered(**options)
    client = h2(**options)
    stream = client.send_request
    client.response(stream)
    [client, stream]
  end

  # The server says GOAWAY with one of these codes, and closes the connection.
  def expect_connection_error(client, *codes)
    expect(client.connection_error).to satisfy("be #{codes.join(' or ')}") { |code| codes.include?(code) }
  end

  # The server resets the stream, and goes on with others.
  def expect_stream_error(client, stream, *codes)
    exchange = client.response(stream)
    expect(exchange.reset).to satisfy("be #{codes.join(' or ')}") { |code| codes.include?(code) }
    expect_alive(client)
  end

  # Either of them: RFC 9113 lets a server choose (5.4).
  def expect_error(client, stream, *codes)
    client.take until client.goaway || client.streams[stream]&.reset
    return expect_connection_error(client, *codes) if client.goaway

    expect_stream_error(client, stream, *codes)
  end

  # The connection is good for another request.
  def expect_alive(client)
    expect(client.sync.goaway).to be_nil
    client.settings({ INITIAL_WINDOW_SIZE: 65_535 })
    expect(client.get.status).to eq(200)
  end

  def self.install(config)
    config.include HTTP2Server
    config.after { @h2_clients&.each(&:close) }
  end
end

RSpec.configure { |config| HTTP2Server.install(config) }
