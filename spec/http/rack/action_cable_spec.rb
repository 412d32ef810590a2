# frozen_string_literal: true

require 'json'
require 'tmpdir'
require_relative '../../support/rails_app'
require_relative '../../support/rack_app'
require_relative '../../support/websocket_client'

# ActionCable brings nio4r, with a libev of its own: see ext/scheduler/libev_private.h.
RSpec.describe 'ActionCable' do
  it 'speaks over a connection that it has hijacked' do
    Dir.mktmpdir do |dir|
      RailsApp.write(dir)
      server = serve_in_child(command: ['-b', 'http://127.0.0.1:0'], chdir: dir)
      socket = WebSocketClient.new(server.connect, '/cable', 'Sec-WebSocket-Protocol' => 'actioncable-v1-json')
      expect(JSON.parse(socket.receive)).to eq('type' => 'welcome')
      channel = { channel: 'EchoChannel' }.to_json
      next_message = -> { loop { (message = JSON.parse(socket.receive))['type'] == 'ping' or break message } }
      socket << { command: 'subscribe', identifier: channel }.to_json
      expect(next_message.call['type']).to eq('confirm_subscription')
      socket << { command: 'message', identifier: channel, data: { action: 'shout', text: 'hi' }.to_json }.to_json
      expect(next_message.call).to eq('identifier' => channel, 'message' => 'HI')
    end
  end
end
