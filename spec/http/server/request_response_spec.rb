# frozen_string_literal: true

require_relative '../../support/http_server'

RSpec.describe 'A server of HTTP/1', :fibers do
  it 'answers' do
    server = serve { |request| request.respond("hello from #{request.path}", { 'x' => 'y' }) }
    response = server.get('/there')
    expect([response.status, response['x'], response.body]).to eq([200, 'y', 'hello from /there'])
  end
end
