# frozen_string_literal: true

require_relative '../../support/run_ruby'

RSpec.describe 'Many WebSockets', timeout: 120 do
  # `rake load:websocket` does it with 10,000.
  it 'take little memory each, and all get what one says' do
    result = run_ruby(nil, flags: [File.join(ROOT, 'spec/support/websocket_load.rb'), '1000'], timeout: 110)
    expect([result.status.exitstatus, result.stdout]).to match([0, /\A1000 idle WebSockets: [\d.]+ KB each.*\na message to all of them: \d+ ms\nclosed\n\z/]), result.stderr
  end
end
