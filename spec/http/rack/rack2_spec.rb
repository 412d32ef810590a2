# frozen_string_literal: true

require_relative '../../support/http_server'

RSpec.describe 'Rack 2.2' do
  folder = File.expand_path('../../rack2/gems', Gem.dir)
  library = Dir.glob(File.join(folder, 'rack-2.2.*/lib')).max

  it 'is there: bin/test installs it' do
    expect(library).to be_a(String)
  end

  # An app inside the Lint of Rack 2.
  def serve_rack2(library, app)
    serve_in_child('RACK.call(request)', prelude: <<~RUBY)
      $LOAD_PATH.unshift(#{library.dump})
      require 'rack'
      require 'rack/lint'
      raise Rack.release unless Rack.release.start_with?('2.2.')
      RACK = Polyphony::HTTP::Rack.handler(Rack::Lint.new(#{app}))
    RUBY
  end

  it 'gets the env that its Lint wants' do
    server = serve_rack2(library, "->(env) { [200, { 'Content-Type' => 'text/plain' }, [env.slice(*%w[rack.version rack.multithread " \
                                  "rack.multiprocess rack.run_once rack.hijack?]).inspect]] }")
    response = server.connect.tap { |client| client.send_request('GET') }
    head = response.read_until("\r\n\r\n")
    expect(head).to include('200 OK').and include('Content-Type: text/plain')
    expect(response.rest_of_chunks)
      .to eq({ 'rack.version' => [1, 6], 'rack.multithread' => true, 'rack.multiprocess' => false, 'rack.run_once' => false, 'rack.hijack?' => true }.inspect)
  end

  it 'may read the body again, be it small, large or chunked' do
    server = serve_rack2(library, "->(env) { input = env['rack.input']; first = input.read; input.rewind; lines = input.enum_for(:each).count; input.rewind; " \
                                  "[200, { 'content-type' => 'text/plain' }, [[first == input.read, first.sum, lines].inspect]] }")
    client = server.connect
    ['', "a\nb", "x\n" * 200_000].each do |body|
      expect(client.request('POST', '/', body: body).body).to eq([true, body.sum, body.lines.size].inspect)
    end
    client << "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n"
    expect(client.response.body).to eq([true, 'ab'.sum, 1].inspect)
    expect(client.get.body).to eq([true, 0, 0].inspect)
  end

  it 'parses forms and uploads, and splits cookies' do
    server = serve_rack2(library, "->(env) { all = Rack::Request.new(env).params; response = Rack::Response.new([all['a'].to_s, all['f'] && all['f'][:tempfile].read].compact); " \
                                  "response.set_cookie('a', '1'); response.set_cookie('b', '2'); response['content-type'] = 'text/plain'; response.finish }")
    upload = "--X\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nbytes\r\n--X--\r\n"
    client = server.connect
    client.send_request('POST', '/?a=1', headers: { 'Content-Type' => 'multipart/form-data; boundary=X' }, body: upload)
    head = client.read_until("\r\n\r\n")
    expect(head.scan(/^set-cookie: (\w=\d)/i).flatten).to eq(%w[a=1 b=2])
    expect(client.rest_of_chunks).to eq('1bytes')
  end

  it 'hijacks, and finds the connection in rack.hijack_io' do
    server = serve_rack2(library, "->(env) { env['rack.hijack'].call; env['rack.hijack_io'].write('bare'); env['rack.hijack_io'].close; [200, {}, []] }")
    client = server.connect
    client.send_request('GET')
    expect(client.rest).to eq('bare')
  end

  it 'has rack/handler/polyphony' do
    script = "$LOAD_PATH.unshift(#{library.dump}); require 'rack'; p Rack::Handler.get('polyphony'), Rack::Handler.get('polyphony').valid_options.keys.first"
    out, err, = run_ruby("#{script}\n")
    expect([out, err]).to eq([%(Polyphony::HTTP::Rack::Handler::Polyphony\n"Host=HOST"\n), ''])
  end
end
