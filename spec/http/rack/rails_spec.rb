# frozen_string_literal: true

require 'json'
require 'tmpdir'
require_relative '../../support/rails_app'
require_relative '../../support/rack_app'

# The newest Rails that this Ruby runs, in processes of its own.
RSpec.describe 'Rails' do
  around do |example|
    Dir.mktmpdir do |dir|
      @dir = dir
      RailsApp.write(dir)
      example.run
    end
  end

  after { |example| warn(@server.log) if example.exception && @server }

  major = RUBY_VERSION < '3.2' ? 7 : 8

  def polyphony_serve
    @server = serve_in_child(command: ['-b', 'http://127.0.0.1:0'], chdir: @dir)
  end

  it 'is served by `polyphony serve`: pages, sessions, uploads, files, errors' do
    client = polyphony_serve.connect
    expect(client.get('/').body).to eq("#{major} fiber 127.0.0.1")
    first = client.get('/count')
    cookie = first['set-cookie'][/\A[^;]+/]
    expect(JSON.parse(client.get('/count', headers: { 'Cookie' => cookie }).body)).to eq('count' => 2)
    expect(client.get('/file').body).to eq(RailsApp::FILES['config.ru'])
    expect(client.get('/stream').body).to eq("part 0\npart 1\npart 2\n")
    upload = "--X\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--X\r\nContent-Disposition: form-data; " \
             "name=\"file\"; filename=\"a.bin\"\r\n\r\n#{'b' * 200_000}\r\n--X--\r\n"
    response = client.request('POST', '/upload', headers: { 'Content-Type' => 'multipart/form-data; boundary=X' }, body: upload)
    expect(response.body).to eq("hello a.bin #{('b' * 200_000).sum}")
    expect([client.get('/oops').status, client.get('/nowhere').status, client.request('HEAD', '/').status]).to eq([500, 404, 200])
    expect(@server.log.scan('RuntimeError (oops)').size).to eq(1)
    expect(client.get('/', headers: { 'X-Forwarded-For' => '9.9.9.9' }).body).to end_with(' 9.9.9.9')
    client.send_request('GET', '/hijack')
    expect(client.rest).to eq('bare')
  end

  it 'keeps requests apart that are served at the same time' do
    polyphony_serve
    clients = %w[ann bob].map { |user| @server.connect.tap { |client| client.send_request('GET', "/gate?user=#{user}") } }
    expect(clients.map { |client| client.response.body }).to eq(%w[ann bob])
  end

  it 'streams with ActionController::Live, which learns that its client has gone' do
    client = polyphony_serve.connect
    events = client.get('/events')
    expect([events['content-type'], events.body.scan(/^(?:event|data): .*/)])
      .to eq(['text/event-stream', ['event: tick', 'data: {"n":0}', 'event: tick', 'data: {"n":1}', 'event: tick', 'data: {"n":2}']])
    client.send_request('GET', '/endless')
    client.read(100_000)
    client.reset
    sleep 0.01 until @server.log.include?('the client has gone') # the watchdog's limit is ours
    expect(@server.connect.get('/').status).to eq(200)
  end

  it 'is served by `rails server -u polyphony`, and ends in order on INT' do
    @server = start_child([File.join(@dir, 'bin/rails'), 'server', '-u', 'polyphony', '-b', '127.0.0.1', '-p', '0'], {}, chdir: @dir).await(1)
    client = @server.connect
    expect(client.get('/').body).to eq("#{major} fiber 127.0.0.1")
    expect(client.get('/events').body).to include('data: {"n":2}')
    @server.signal(:INT)
    expect(@server.wait.exitstatus).to eq(0)
    expect(@server.output).to match(/Booting Polyphony.*Exiting/m)
  end

  it 'has the isolation level from the start where the railtie is loaded' do
    File.write(File.join(@dir, 'check.rb'), <<~RUBY)
      require_relative 'config/application'
      require 'polyphony/rails'
      Rails.application.initialize!
      print ActiveSupport::IsolatedExecutionState.isolation_level
    RUBY
    out, err, = run_ruby(File.join(@dir, 'check.rb'), chdir: @dir)
    expect([out, err]).to eq(['fiber', ''])
  end
end
