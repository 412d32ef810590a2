# frozen_string_literal: true

require 'websocket/driver'
require 'permessage_deflate'
require_relative '../../support/http_server'
require_relative '../../support/http_certificates'
require_relative '../../support/websocket_client'

# Others' clients.
RSpec.describe 'WebSocket clients' do
  def node(server_address, code)
    ENV['NODE_PATH'] ||= '/usr/share/nodejs' # where Debian has node-ws
    run_command('node', '-e', <<~JS, timeout: 50)
      const WebSocket = require('ws');
      const assert = require('assert');
      const address = #{server_address.inspect}.replace(/^http/, 'ws');
      const open = (options) => new Promise((done, fail) => {
        const socket = new WebSocket(address, { rejectUnauthorized: false, ...options });
        socket.queue = [];
        socket.next = () => new Promise((found) => socket.queue.length ? found(socket.queue.shift()) : socket.waiting = found);
        const put = (event) => { if (socket.waiting) { const found = socket.waiting; socket.waiting = null; found(event); } else socket.queue.push(event); };
        socket.on('message', (data, binary) => put([binary, binary ? data : data.toString()]));
        socket.on('pong', (data) => put(['pong', data.toString()]));
        socket.on('close', (code, reason) => put(['close', code, reason.toString()]));
        socket.on('open', () => done(socket));
        socket.on('error', fail);
      });
      (async () => {
      #{code}
      })().then(() => console.log('done'), (error) => { console.log(error); process.exit(1); });
    JS
  end

  handler = 'request.websocket(%s) { |ws| ws.each { |message| ws << message } }'

  talk = <<~JS
    for (const perMessageDeflate of [true, false, { threshold: 0, clientNoContextTakeover: true, serverMaxWindowBits: 9 }]) {
      const socket = await open({ perMessageDeflate });
      for (const text of ['', 'grün', 'x'.repeat(70000), 'κόσμε'.repeat(50000)]) {
        socket.send(text);
        assert.deepStrictEqual(await socket.next(), [false, text]);
      }
      const bytes = Buffer.alloc(200000, 'abcdefg');
      socket.send(bytes);
      const [binary, back] = await socket.next();
      assert(binary && back.equals(bytes));
      for (let i = 0; i < 500; i++) socket.send('message ' + i);
      for (let i = 0; i < 500; i++) assert.deepStrictEqual(await socket.next(), [false, 'message ' + i]);
      socket.ping('are you there');
      assert.deepStrictEqual(await socket.next(), ['pong', 'are you there']);
      socket.send('frag', { fin: false }); socket.send('ment', { fin: true });
      assert.deepStrictEqual(await socket.next(), [false, 'fragment']);
      socket.close(4000, 'enough');
      assert.deepStrictEqual(await socket.next(), ['close', 4000, 'enough']);
    }
  JS

  { 'plain' => ['http://127.0.0.1:0', false], 'over TLS' => ['https://127.0.0.1:0', true] }.each do |title, (bind, tls)|
    ['', 'deflate: { context_takeover: true, min_size: 1 }'].each do |options|
      it "Node's ws talks, #{title}#{', with context takeover' unless options.empty?}" do
        Dir.mktmpdir do |dir|
          files = HttpCertificates.certificate('localhost').save(dir, 'server') if tls
          server = serve_in_child(format(handler, options), bind: bind, options: tls ? "tls: #{files.inspect}" : '')
          result = node(server.address, talk)
          expect([result.stdout, result.status.exitstatus]).to eq(["done\n", 0]), result.stdout + result.stderr + server.log
        end
      end
    end
  end

  it "Node's ws is closed by us, and sees code and reason" do
    server = serve_in_child("request.websocket { |ws| ws << 'bye' and ws.close(4001, 'grün') }")
    result = node(server.address, <<~JS)
      const socket = await open({});
      assert.deepStrictEqual([await socket.next(), await socket.next()], [[false, 'bye'], ['close', 4001, 'grün']]);
    JS
    expect([result.stdout, result.status.exitstatus]).to eq(["done\n", 0]), result.stderr
  end

  # A client in Ruby, whose engine is another one.
  driver_client = Class.new do
    attr_reader :url, :messages, :closed

    def initialize(port, deflate)
      @url = "ws://127.0.0.1:#{port}/"
      @socket = TCPSocket.new('127.0.0.1', port)
      @messages = []
      @driver = WebSocket::Driver.client(self)
      @driver.add_extension(deflate) if deflate
      @driver.on(:message) { |event| @messages << event.data }
      @driver.on(:close) { |event| @closed = [event.code, event.reason] }
      @driver.start
    end

    def write(bytes) = @socket.write(bytes)
    def text(text) = @driver.text(text)
    def binary(bytes) = @driver.binary(bytes)

    def take(count)
      @driver.parse(@socket.readpartial(65_536)) until @messages.size >= count
      @messages.shift(count)
    end

    def close(code, reason)
      @driver.close(reason, code)
      @driver.parse(@socket.readpartial(65_536)) until @closed
      @socket.close
      @closed
    end
  end

  { 'without compression' => nil, 'with permessage_deflate' => PermessageDeflate,
    'with small windows' => PermessageDeflate.configure(max_window_bits: 10, request_max_window_bits: 11, request_no_context_takeover: true) }.each do |title, deflate|
    it "websocket-driver talks, #{title}" do
      server = serve_in_child(format(handler, 'deflate: { min_size: 1, context_takeover: true }'))
      client = driver_client.new(server.port, deflate)
      texts = ['short', 'grün ' * 5000, 'x' * 70_000] # not '', which permessage_deflate cannot deflate
      3.times do
        texts.each { |text| client.text(text) }
        client.binary("\xff\0".b * 3000)
        expect(client.take(4) == [*texts, "\xff\0".b * 3000]).to be(true)
      end
      expect(client.close(3001, 'enough')).to eq([3001, 'enough'])
    end
  end
end
