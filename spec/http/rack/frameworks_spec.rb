# frozen_string_literal: true

require 'tmpdir'
require_relative '../../support/http_server'

# Apps of the small frameworks, served by both commands, in processes of their own.
RSpec.describe 'Frameworks on Rack' do
  sinatra = <<~RUBY
    require 'sinatra/base'

    class Shop < Sinatra::Base
      set :environment, :production
      set :host_authorization, { permitted_hosts: [] }
      enable :sessions
      set :session_secret, 'x' * 64
      set :protection, false

      get('/') { "hello from Sinatra, \#{params[:name]}" }
      get('/count') { (session[:count] = session[:count].to_i + 1).to_s }
      get('/stream') { stream { |out| 3.times { |n| out << "part \#{n}\\n" } } }
      get('/file') { send_file(__FILE__) }
      get('/oops') { raise 'oops' }
      get('/hijack') { env['rack.hijack'].call.then { |io| io.write('bare') && io.close } && '' }
      post('/upload') { [params[:note], params[:file][:filename], params[:file][:tempfile].read.sum].join(' ') }
    end

    run Shop
  RUBY

  roda = <<~RUBY
    require 'roda'

    class Shop < Roda
      plugin :head
      plugin :streaming
      plugin :sessions, secret: 'x' * 64
      plugin :error_handler do |error|
        env['rack.errors'].puts("\#{error.class}: \#{error.message}")
        response.status = 500
        'sorry'
      end

      route do |r|
        r.root { "hello from Roda, \#{r.params['name']}" }
        r.get('count') { (session['count'] = session['count'].to_i + 1).to_s }
        r.get('stream') { stream { |out| 3.times { |n| out << "part \#{n}\\n" } } }
        r.get('file') { r.halt([200, {}, File.open(__FILE__)]) }
        r.get('oops') { raise 'oops' }
        r.get('hijack') { env['rack.hijack'].call.then { |io| io.write('bare') && io.close } && '' }
        r.post('upload') { [r.params['note'], r.params['file'][:filename], r.params['file'][:tempfile].read.sum].join(' ') }
      end
    end

    run Shop.freeze.app
  RUBY

  upload = "--X\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--X\r\nContent-Disposition: form-data; " \
           "name=\"file\"; filename=\"a.bin\"\r\n\r\n#{'b' * 200_000}\r\n--X--\r\n"

  around do |example|
    Dir.mktmpdir do |dir|
      @config = File.join(dir, 'config.ru')
      example.run
    end
  end

  def polyphony_serve = serve_in_child(command: ['-b', 'http://127.0.0.1:0', @config])

  def rackup
    start_child([Gem.bin_path('rackup', 'rackup'), '-s', 'polyphony', '-E', 'deployment', '-o', '127.0.0.1', '-p', '0', @config], {}, chdir: ROOT).await(1)
  end

  { 'Sinatra' => sinatra, 'Roda' => roda }.each do |name, source|
    %i[polyphony_serve rackup].each do |command|
      it "#{name} is served by #{command}" do
        File.write(@config, source)
        server = send(command)
        client = server.connect
        expect(client.get('/?name=you').body).to eq("hello from #{name}, you")
        cookie = client.get('/count')['set-cookie'][/\A[^;]+/]
        expect(client.get('/count', headers: { 'Cookie' => cookie }).body).to eq('2')
        expect([client.get('/stream').body, client.get('/file').body]).to eq(["part 0\npart 1\npart 2\n", source])
        response = client.request('POST', '/upload', headers: { 'Content-Type' => 'multipart/form-data; boundary=X' }, body: upload)
        expect(response.body).to eq("hello a.bin #{('b' * 200_000).sum}")
        expect([client.get('/oops').status, client.get('/nowhere').status, client.request('HEAD', '/').status]).to eq([500, 404, 200])
        expect(server.log).to include('oops')
        client.send_request('GET', '/hijack')
        expect(client.rest).to eq('bare')
      end
    end
  end
end
