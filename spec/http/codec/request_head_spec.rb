# frozen_string_literal: true

require_relative '../../support/http_codec'

RSpec.describe Polyphony::HTTP::HTTP1::RequestHead, :codec do
  def head(*lines)
    Polyphony::HTTP::HTTP1::Parser.new.feed([*lines, '', ''].join("\r\n").b).next_head
  end

  it 'finds fields by name, with and without having made the Hash' do
    request = head('GET / HTTP/1.1', 'HOST: a', 'Accept: x', 'X-Custom: 1', 'accept: y', 'Cookie: a=1', 'COOKIE: b=2', 'x-custom: 2', 'Empty:')
    names = %w[host accept x-custom cookie empty missing x-missing] << 'not a name' << ''
    expected = ['a', 'x, y', '1, 2', 'a=1; b=2', '', nil, nil, nil, nil]
    expect(names.map { |name| request[name] }).to eq(expected)
    expect(request.headers).to eq('host' => 'a', 'accept' => 'x, y', 'x-custom' => '1, 2', 'cookie' => 'a=1; b=2', 'empty' => '')
    expect(names.map { |name| request[name] }).to eq(expected)
    expect(request.headers).to equal(request.headers)
    expect(request['Host']).to be_nil
    expect { request[1] }.to raise_error(TypeError)
    expect { request[:host] }.to raise_error(TypeError)
  end

  it 'shares names, and values that clients repeat' do
    first, second = Array.new(2) { head('GET / HTTP/1.1', 'Host: example.com', 'User-Agent: me', 'X-Rare: 1', 'Cookie: a') }
    first.headers.keys.zip(second.headers.keys) { |a, b| expect(a).to equal(b).and be_frozen }
    expect(first['host']).to equal(second['host'])
    expect(first['user-agent']).to equal(second['user-agent']).and be_frozen
    expect(first['cookie']).not_to equal(second['cookie'])
    expect(first.method).to equal(second.method).and be_frozen
    expect(first.version).to equal(second.version)
    expect(first.path).not_to be_frozen
  end

  it 'does not take a value for another that looks like it' do
    values = Array.new(5000) { |i| "agent #{i % 2500}#{'x' * (i % 50)}" }
    expect(values.map { |value| head('GET / HTTP/1.1', 'Host: a', "User-Agent: #{value}")['user-agent'] }).to eq(values)
  end

  it 'outlives its parser, and the bytes that came after it' do
    parser = Polyphony::HTTP::HTTP1::Parser.new.feed("GET /first HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n")
    request = parser.next_head
    parser.feed("GET /#{'x' * 3000} HTTP/1.1\r\nHost: b\r\n\r\n")
    parser.next_head
    parser = nil # rubocop:disable Lint/UselessAssignment
    GC.start
    expect([request.path, request.headers]).to eq(['/first', { 'host' => 'a', 'x' => '1' }])
  end

  it 'does not change one value while it joins it with others' do
    request = head('GET / HTTP/1.1', 'Host: a', 'X: 1', 'X: 2', 'Accept: a', 'Accept: b', 'Accept: c')
    expect([request['x'], request['accept'], request['x'], request.headers.values_at('x', 'accept')]).to eq(['1, 2', 'a, b, c', '1, 2', ['1, 2', 'a, b, c']])
    expect(request.fill_env({}).values_at('HTTP_X', 'HTTP_ACCEPT')).to eq(['1, 2', 'a, b, c'])
    expect(head('GET / HTTP/1.1', 'Host: a', 'Accept: a')['accept']).to eq('a')
  end

  it 'yields fields one by one' do
    request = head('GET / HTTP/1.1', 'Host: a', 'B: 1', 'b: 2')
    expect(request.each_header.to_a).to eq([%w[host a], %w[b 1], %w[b 2]])
    expect(request.each_header { |_name, _value| nil }).to equal(request)
  end

  it 'carries what the server puts on it' do
    request = head('GET / HTTP/1.1', 'Host: a')
    expect(request.context).to be_nil
    request.context = [1]
    expect(request.context).to eq([1])
  end

  it 'shows the request line, and no values, which may be secret' do
    expect(head('GET /a?b HTTP/1.1', 'Host: a', 'Authorization: secret').inspect).to match(%r{RequestHead GET /a\?b HTTP/1.1 fields=2>})
  end

  describe 'as a Rack env' do
    let(:template) { described_class.env_template('rack.url_scheme' => 'http', 'SCRIPT_NAME' => '', 'SERVER_NAME' => 'default', 'SERVER_PORT' => '80') }

    it 'fills it' do
      env = head('POST /a%20b?c=d HTTP/1.1', 'Host: example.com:8080', 'Content-Type: text/plain', 'Content-Length: 0', 'X-Forwarded-For: 1', 'x-forwarded-for: 2',
                 'X-Un.usual!: 1', 'X-Twice: 1', 'X-Twice: 2', 'Cookie: a', 'Cookie: b', 'Accept: */*').to_env(template)
      expect(env).to eq(
        'rack.url_scheme' => 'http', 'SCRIPT_NAME' => '', 'REQUEST_METHOD' => 'POST', 'PATH_INFO' => '/a%20b', 'QUERY_STRING' => 'c=d',
        'REQUEST_URI' => '/a%20b?c=d', 'SERVER_PROTOCOL' => 'HTTP/1.1', 'SERVER_NAME' => 'example.com', 'SERVER_PORT' => '8080',
        'HTTP_HOST' => 'example.com:8080', 'CONTENT_TYPE' => 'text/plain', 'CONTENT_LENGTH' => '0', 'HTTP_X_FORWARDED_FOR' => '1, 2', 'HTTP_X_UN.USUAL!' => '1',
        'HTTP_X_TWICE' => '1, 2', 'HTTP_COOKIE' => 'a; b', 'HTTP_ACCEPT' => '*/*'
      )
      expect(env.keys).to all(be_frozen)
      expect(env).not_to be_frozen
      expect(env['PATH_INFO']).not_to be_frozen
      expect(template).to be_frozen
      expect(template['PATH_INFO']).to eq('')
    end

    it 'takes server and port from Host, as far as it has them' do
      { 'a' => %w[a 80], 'a:81' => %w[a 81], 'a:' => %w[a 80], '[::1]' => ['[::1]', '80'], '[::1]:82' => ['[::1]', '82'], '10.0.0.1' => ['10.0.0.1', '80'], '10.0.0.1:83' => ['10.0.0.1', '83'] }.each do |host, expected|
        env = head('GET / HTTP/1.1', "Host: #{host}").to_env(template)
        expect([host, env.values_at('SERVER_NAME', 'SERVER_PORT')]).to eq([host, expected])
      end
      expect(head('GET / HTTP/1.0').to_env(template).values_at('SERVER_NAME', 'SERVER_PORT')).to eq(%w[default 80])
    end

    it 'leaves out names that could pass for others' do
      env = head('GET / HTTP/1.1', 'Host: a', 'X_Forwarded_For: evil', 'Content_Length: 5', 'Version: 9', 'X-Forwarded-For: good').to_env(template)
      expect(env.values_at('HTTP_X_FORWARDED_FOR', 'CONTENT_LENGTH', 'HTTP_CONTENT_LENGTH', 'HTTP_VERSION')).to eq(['good', nil, nil, nil])
      request = head('GET / HTTP/1.1', 'Host: a', 'X_Forwarded_For: evil')
      expect(request['x_forwarded_for']).to eq('evil')
    end

    it 'knows every form of the target' do
      expect(head('GET http://a/x?y HTTP/1.1', 'Host: a').to_env(template).values_at('PATH_INFO', 'QUERY_STRING', 'REQUEST_URI')).to eq(['/x', 'y', 'http://a/x?y'])
      expect(head('GET http://a HTTP/1.1', 'Host: a').to_env(template)['PATH_INFO']).to eq('/')
      expect(head('OPTIONS * HTTP/1.1', 'Host: a').to_env(template)['PATH_INFO']).to eq('*')
      expect(head('CONNECT a:1 HTTP/1.1', 'Host: a:1').to_env(template)['PATH_INFO']).to eq('')
    end

    describe 'with an origin' do
      let(:own) { %w[REMOTE_ADDR rack.hijack rack.early_hints rack.response_finished polyphony.request] }
      let(:template) { described_class.env_template('a' => 1, **own.reverse.to_h { |key| [key, nil] }, 'SERVER_NAME' => 'default', 'b' => 2) }

      it 'has what belongs to the connection and to the request, whatever the order' do
        request = head('GET / HTTP/1.1', 'Host: a')
        env = request.to_env(template, [template, '1.2.3.4', :hijack, :hints])
        expect(env.values_at(*own)).to eq(['1.2.3.4', :hijack, :hints, [], request])
        expect(env.values_at('a', 'b', 'REQUEST_METHOD', 'SERVER_NAME', 'HTTP_HOST')).to eq([1, 2, 'GET', 'a', 'a'])
        expect(env.size).to eq(template.size + 1)
        expect(request.to_env(template, [template, '1.2.3.4', :hijack, :hints])['rack.response_finished']).not_to equal(env['rack.response_finished'])
        expect(template.values_at(*own)).to eq([nil] * 5)
      end

      it 'takes a template without rack.hijack, where nobody can take the connection, and one that is none' do
        without = described_class.env_template(template.except('rack.hijack'))
        env = head('GET / HTTP/1.0').to_env(without, [without, 'x', nil, :hints])
        expect([env.key?('rack.hijack'), env['rack.early_hints'], env['SERVER_NAME']]).to eq([false, :hints, 'default'])
        [{}, { 'rack.hijack' => 1, 'PATH_INFO' => 2 }, Array.new(20) { |i| [i, i] }.to_h].each do |none|
          env = head('GET /x?y HTTP/1.1', 'Host: a').to_env(none, [none, 'x', :hijack, :hints])
          expect(env).to include('PATH_INFO' => '/x', 'QUERY_STRING' => 'y', 'REMOTE_ADDR' => 'x', 'rack.hijack' => :hijack)
          expect(env.size).to eq((none.keys - own - %w[PATH_INFO]).size + 6 + 5 + 1) # no port
        end
      end

      it 'keeps its values through collections of garbage' do
        request = head('GET /a/long/path/that/is/no/embedded/string HTTP/1.1', 'Host: a')
        envs = Array.new(200) { |i| request.to_env(template, [template, "address #{i}", nil, nil]).tap { GC.start if (i % 50).zero? } }
        expect(envs.map { |env| env['REMOTE_ADDR'] }).to eq(Array.new(200) { |i| "address #{i}" })
        expect(envs.map { |env| env['PATH_INFO'] }.uniq).to eq(['/a/long/path/that/is/no/embedded/string'])
      end

      it 'must be an Array' do
        expect { head('GET / HTTP/1.0').to_env(template, {}) }.to raise_error(TypeError)
      end
    end

    it 'takes long names and any number of fields, and any Hash' do
      lines = Array.new(90) { |i| "X-#{'n' * 70}-#{i}: #{i}" }
      env = {}
      request = head('GET / HTTP/1.1', 'Host: a', *lines)
      expect(request.fill_env(env)).to equal(env)
      expect(env.size).to eq(90 + 7)
      expect(env["HTTP_X_#{'N' * 70}_89"]).to eq('89')
      expect(request.headers.size).to eq(91)
      expect { request.fill_env([]) }.to raise_error(TypeError)
      expect { request.fill_env({}.freeze) }.to raise_error(FrozenError)
      expect { described_class.env_template(1) }.to raise_error(TypeError)
    end

    it 'is good enough for Rack::Lint' do
      require 'rack'
      require 'rack/lint'
      template = described_class.env_template('rack.url_scheme' => 'http', 'SCRIPT_NAME' => '', 'SERVER_NAME' => 'x', 'SERVER_PORT' => '80', 'rack.errors' => $stderr)
      app = Rack::Lint.new(->(_env) { [200, {}, []] })
      ['GET / HTTP/1.1', 'POST /a?b=c HTTP/1.1', 'OPTIONS * HTTP/1.1', 'GET http://a/b HTTP/1.1'].each do |line|
        env = head(line, 'Host: a', 'Version: 1', "X-Caf: \xc3\xa9".b, 'Accept: */*', 'Content-Type: text/plain').to_env(template)
        expect(app.call(env).first).to eq(200)
      end
    end
  end
end
