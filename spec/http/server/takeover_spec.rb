# frozen_string_literal: true

require_relative '../../support/http_server'
require_relative '../../support/http_certificates'
require 'polyphony/http/tls'

RSpec.describe 'Taking over a connection', :fibers do
  pair = HttpCertificates.certificate('localhost')
  ask = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

  { 'http://127.0.0.1:0' => {}, 'https://127.0.0.1:0' => { tls: pair.options } }.each do |bind, options|
    describe "at #{bind}" do
      # A handler that answers each line with itself, in capitals.
      def shouting(bind, options)
        serve(bind: bind, **options) do |request|
          io = yield request
          while (line = io.gets)
            io.write(line.upcase)
          end
        end
      end

      it 'upgrade: sends 101 and gives the connection, with what was read ahead' do
        server = shouting(bind, options) { |request| request.upgrade('echo', { 'x' => 'y' }) }
        client = server.connect << ask << "early\nü\xff\n".b
        response = client.response
        expect([response.status, response['upgrade'], response['connection'], response['x'], response['content-length']]).to eq([101, 'echo', 'upgrade', 'y', nil])
        expect(client.read(9)).to eq("EARLY\n" + "ü\xff\n".b.upcase[0, 3])
        client.read(1)
        client << "late\n"
        expect(client.read(5)).to eq("LATE\n")
        client.finish
        expect(client.rest).to eq('')
        wait_until { server.server.connections.zero? }
        expect(server.log).to eq('')
      end

      it 'upgrade: closes the connection when the handler returns' do
        server = serve(bind: bind, **options) { |request| request.upgrade('echo').write('bye') }
        client = server.connect << ask
        expect([client.response.status, client.rest]).to eq([101, 'bye'])
      end

      it 'upgrade: what the handler fails with is logged, and nothing is sent' do
        server = serve(bind: bind, **options) { |request| request.upgrade('echo') && raise('on purpose') }
        client = server.connect << ask
        expect([client.response.status, client.rest]).to eq([101, ''])
        expect(server.log).to include('GET /chat', 'on purpose')
        expect(server.get.status).to eq(500) # nobody asked for an upgrade
      end

      it 'hijack: gives the connection without an answer, with what was read ahead; it is not closed' do
        kept = nil
        server = serve(bind: bind, **options) { |request| kept = request.hijack }
        client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\nearly\n"
        wait_until { kept && server.server.connections.zero? }
        expect(kept.gets).to eq("early\n")
        kept.write("raw\n")
        expect(client.read(4)).to eq("raw\n")
        client << "late\n"
        expect(kept.gets).to eq("late\n")
        kept.close
        expect(client.rest).to eq('')
      end

      it 'hijack: earlier answers go out first' do
        server = serve(bind: bind, **options) do |request|
          next request.respond('first') if request.path == '/first'

          request.hijack.tap { |io| io.write('second') }.close
        end
        client = server.connect << "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        expect([client.response.body, client.rest]).to eq(%w[first second])
      end

      it 'hijack: what fails afterwards is logged' do
        server = serve(bind: bind, **options) do |request|
          request.hijack.close
          raise 'on purpose'
        end
        client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        expect(client.rest).to eq('')
        wait_until { server.log.include?('on purpose') }
        expect(server.server.connections).to eq(0)
      end
    end
  end

  it 'upgrade: is for who asks for it, and once' do
    errors = []
    server = serve do |request|
      errors << error_of { request.upgrade('echo') }.class
      errors << error_of { request.upgrade('echo') }.class if request.path == '/chat'
      request.respond unless request.responded?
    end
    ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\n\r\n"].each do |bytes|
      client = server.connect << bytes
      expect(client.response.status).to eq(200)
    end
    client = server.connect << ask
    expect(client.response.status).to eq(101)
    expect(errors).to eq(([Polyphony::HTTP::ResponseError] * 4) + [NilClass, Polyphony::HTTP::ResponseError])
  end

  it 'upgrade: refuses names that are none, and an answer may follow' do
    server = serve do |request|
      ["a\r\nb: c", '', "a\0"].each { |name| expect(error_of { request.upgrade(name) }).to be_a(Polyphony::HTTP::ResponseError) }
      request.respond('no')
    end
    client = server.connect << ask
    expect([client.response.body, server.log]).to eq(['no', ''])
  end

  it 'upgrade: a request that asks for it is served as any other by who does not care' do
    server = serve { |request| request.respond([request.upgrade?, request['upgrade'], request.read].inspect) }
    client = server.connect << ask << "POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi"
    expect([client.response.body, client.response.body]).to eq(['[true, "echo", ""]', '[true, "h2c", "hi"]'])
  end

  it 'hijack: leaves time limits and the stop of the server behind' do
    kept = nil
    server = serve { |request| kept = request.hijack }
    client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    wait_until { kept && server.server.connections.zero? }
    server.server.stop
    kept.write('still')
    expect(client.read(5)).to eq('still')
    kept.close
  end
end
