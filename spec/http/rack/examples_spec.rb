# frozen_string_literal: true

require_relative '../../support/http_server'

# The examples that are Rack apps.
RSpec.describe 'examples on Rack' do
  def start(name) = serve_in_child(command: ['-b', 'http://127.0.0.1:0', File.join(ROOT, 'examples', name)]).connect

  it 'rack_stream.ru sends what it has, and reads as it writes' do
    client = start('rack_stream.ru')
    expect(client.get('/count/2').body).to eq("1\n2\n")
    expect(client.request('PUT', '/capitals', body: 'hello').body).to eq('HELLO')
    client << "PUT /capitals HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    client.read_until("ABC\r\n")
    client << "2\r\nde\r\n0\r\n\r\n"
    expect([client.rest_of_chunks, client.get('/').status]).to eq(['DE', 404])
  end

  it 'rails.ru serves who does not wait while another waits' do
    client = start('rails.ru')
    expect(client.get('/wait/0').body).to eq("waited 0 s; isolated by fiber\n")
    expect(client.get('/events').body.scan(/^data: .*/)).to eq(['data: {"number":0}', 'data: {"number":1}', 'data: {"number":2}'])
  end
end
