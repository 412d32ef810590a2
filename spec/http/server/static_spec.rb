# frozen_string_literal: true

require_relative '../../support/http_server'
require 'tmpdir'

RSpec.describe Polyphony::HTTP::Static, :fibers do
  around do |example|
    Dir.mktmpdir do |dir|
      @dir = File.realpath(dir)
      example.run
    end
  end

  def file(name, content = 'content', time: Time.utc(2026, 1, 2, 3, 4, 5))
    path = File.join(@dir, 'public', name)
    FileUtils.mkdir_p(File.dirname(path))
    File.binwrite(path, content)
    File.utime(time, time, path)
    path
  end

  let(:options) { {} }
  let(:server) do
    FileUtils.mkdir_p(File.join(@dir, 'public'))
    static = described_class.new(File.join(@dir, 'public'), **options)
    serve { |request| static.serve(request) || request.respond('none', status: 404) }
  end

  def get(path = '/file.txt', method: 'GET', **headers)
    client = server.connect
    client.request(method, path, headers: headers.transform_keys { |name| name.to_s.tr('_', '-') })
  ensure
    client.close
  end

  it 'serves files with type, length, date and tag' do
    file('file.txt', 'héllo')
    response = get
    expect([response.status, response.body, response['content-length'], response['content-type'], response['last-modified'], response['accept-ranges']])
      .to eq([200, 'héllo'.b, '6', 'text/plain; charset=utf-8', 'Fri, 02 Jan 2026 03:04:05 GMT', 'bytes'])
    expect(response['etag']).to match(/\A"[^"]+"\z/)
    { 'a.html' => 'text/html; charset=utf-8', 'a.JS' => 'text/javascript; charset=utf-8', 'a.svg' => 'image/svg+xml', 'a' => 'application/octet-stream', 'a.unknown' => 'application/octet-stream' }.each do |name, type|
      file(name)
      expect(get("/#{name}")['content-type']).to eq(type)
    end
  end

  it 'serves long and empty files unchanged' do
    [0, 1, 262_144, 262_145, 3_000_000].each do |size|
      content = Random.bytes(size)
      file('file.txt', content)
      response = get
      expect([response.body == content, response['content-length'], response.keep_alive?]).to eq([true, size.to_s, true])
    end
  end

  it 'serves the index of folders' do
    file('index.html', 'root')
    file('sub/index.html', 'sub')
    expect([get('/').body, get('/sub/').body, get('/sub').body, get('//').body]).to eq(%w[root sub sub root])
    expect(get('/sub/none').status).to eq(404)
    FileUtils.mkdir_p(File.join(@dir, 'public/empty'))
    expect(get('/empty/').status).to eq(404)
  end

  it 'decodes names' do
    file('a b/ü%.txt', 'found')
    expect([get('/a%20b/%C3%BC%25.txt').body, get('/a%20b/%c3%bc%25.txt').body]).to eq(%w[found found])
    expect(get('/a+b/%C3%BC%25.txt').status).to eq(404)
    expect(get('/%ff').status).to eq(404)
    expect(get('/a%2').status).to eq(404)
  end

  it 'stays in its folder' do
    file('file.txt')
    File.write(File.join(@dir, 'secret'), 'secret')
    FileUtils.mkdir_p(File.join(@dir, 'public-too'))
    File.write(File.join(@dir, 'public-too/secret'), 'secret')
    ['/../secret', '/%2e%2e/secret', '/..%2fsecret', '/%2e%2e%2fsecret', '/./../secret', '/sub/../../secret', '/..\\secret', '/%5c..%5csecret', "/#{'../' * 20}etc/passwd", '//etc/passwd', '/%2fetc/passwd', '/..;/secret',
     '/%c0%ae%c0%ae/secret', '/%252e%252e/secret', '/file.txt%00', '/file.txt%00.html', '/%00', '/file.txt/', '/file.txt/x', '/../public-too/secret', '/%2e', '/.', '/..'].each do |path|
      expect([path, get(path).status]).to eq([path, 404])
    end
    expect(get('/file.txt').status).to eq(200)
  end

  it 'follows links that stay inside, and no others' do
    file('file.txt')
    File.write(File.join(@dir, 'secret'), 'secret')
    File.symlink('file.txt', File.join(@dir, 'public/inside'))
    File.symlink('../secret', File.join(@dir, 'public/outside'))
    File.symlink(@dir, File.join(@dir, 'public/folder'))
    File.symlink('loop', File.join(@dir, 'public/loop'))
    expect(%w[/inside /outside /folder/secret /folder/public/file.txt /loop].map { |path| get(path).status }).to eq([200, 404, 404, 200, 404])
  end

  it 'does not serve what is hidden, is no file, or cannot be read' do
    file('.env')
    file('.git/config')
    file('sub/.htaccess')
    File.mkfifo(File.join(@dir, 'public/pipe'))
    UNIXServer.new(File.join(@dir, 'public/socket')).close
    expect(%w[/.env /%2eenv /.git/config /sub/.htaccess /pipe /socket /none].map { |path| get(path).status }).to eq([404] * 7)
  end

  it 'takes GET and HEAD only' do
    file('file.txt')
    expect([get(method: 'POST').status, get(method: 'DELETE').status, get(method: 'OPTIONS').status]).to eq([404] * 3)
    response = get(method: 'HEAD')
    expect([response.status, response['content-length'], response.body]).to eq([200, '7', nil])
  end

  context 'with settings' do
    let(:options) { { index: 'main.txt', headers: { 'cache-control' => 'max-age=5', 'content-type' => 'x/y' }, hidden: true } }

    it 'has fields, an index and hidden files of its own' do
      file('main.txt', 'main')
      file('.env', 'env')
      response = get('/')
      expect([response.body, response['cache-control'], response.fields.select { |name, _| name == 'content-type' }]).to eq(['main', 'max-age=5', [%w[content-type x/y]]])
      expect(get('/.env').body).to eq('env')
      expect(get('/../public/main.txt').status).to eq(404)
    end
  end

  it 'needs a folder' do
    expect { described_class.new('/nowhere') }.to raise_error(Errno::ENOENT)
  end

  describe 'conditions' do
    let!(:path) { file('file.txt', '0123456789') }
    let(:tag) { get['etag'] }
    let(:date) { 'Fri, 02 Jan 2026 03:04:05 GMT' }
    let(:before) { 'Fri, 02 Jan 2026 03:04:04 GMT' }
    let(:later) { 'Fri, 02 Jan 2026 03:04:06 GMT' }

    def status(**headers) = get(**headers).status

    it 'If-None-Match' do
      response = get(If_None_Match: tag)
      expect([response.status, response.body, response['etag'], response['last-modified'], response['content-length']]).to eq([304, nil, tag, date, nil])
      expect([status(If_None_Match: '"x"'), status(If_None_Match: "\"x\", #{tag}"), status(If_None_Match: "W/#{tag}"), status(If_None_Match: '*'), status(If_None_Match: tag.delete('"'))]).to eq([200, 304, 304, 304, 200])
      expect(status(If_None_Match: '"x"', If_Modified_Since: date)).to eq(200) # the tag decides
      File.write(path, 'other')
      expect(status(If_None_Match: tag)).to eq(200)
    end

    it 'If-Modified-Since' do
      expect([status(If_Modified_Since: date), status(If_Modified_Since: before), status(If_Modified_Since: later), status(If_Modified_Since: 'yesterday')]).to eq([304, 200, 304, 200])
    end

    it 'If-Match' do
      expect([status(If_Match: tag), status(If_Match: '*'), status(If_Match: '"x"'), status(If_Match: "\"x\" , #{tag}"), status(If_Match: "W/#{tag}")]).to eq([200, 200, 412, 200, 412])
    end

    it 'If-Unmodified-Since' do
      expect([status(If_Unmodified_Since: date), status(If_Unmodified_Since: before), status(If_Unmodified_Since: later), status(If_Unmodified_Since: 'x')]).to eq([200, 412, 200, 200])
      expect(status(If_Match: tag, If_Unmodified_Since: before)).to eq(200) # the tag decides
    end

    it 'Range' do
      part = ->(range, **more) { get(Range: range, **more).then { |response| [response.status, response.body, response['content-range']] } }
      expect(part['bytes=0-3']).to eq([206, '0123', 'bytes 0-3/10'])
      expect(part['bytes=5-']).to eq([206, '56789', 'bytes 5-9/10'])
      expect(part['bytes=-3']).to eq([206, '789', 'bytes 7-9/10'])
      expect(part['bytes=-100']).to eq([206, '0123456789', 'bytes 0-9/10'])
      expect(part['bytes=9-9']).to eq([206, '9', 'bytes 9-9/10'])
      expect(part['bytes=5-100']).to eq([206, '56789', 'bytes 5-9/10'])
      ['bytes=10-', 'bytes=10-20', 'bytes=-0'].each { |range| expect([range, part[range].values_at(0, 2)]).to eq([range, [416, 'bytes */10']]) }
      ['bytes=5-3', 'bytes=', 'bytes=-', 'bytes=a-b', 'lines=0-1', 'bytes=0-1,3-4', 'bytes 0-1', "bytes=0-#{'9' * 30}"].each { |range| expect([range, part[range]]).to eq([range, [200, '0123456789', nil]]) }
    end

    it 'If-Range' do
      part = ->(condition) { status(Range: 'bytes=0-1', If_Range: condition) }
      expect([part[tag], part['"x"'], part["W/#{tag}"], part[date], part[before], part[later], part['x']]).to eq([206, 200, 200, 206, 200, 200, 200])
    end

    it 'apply to HEAD, too, but for ranges' do
      expect([status(method: 'HEAD', If_None_Match: tag), status(method: 'HEAD', Range: 'bytes=0-1'), status(method: 'HEAD', If_Match: '"x"')]).to eq([304, 200, 412])
    end
  end

  describe Polyphony::HTTP::Request, '#serve_file' do
    it 'serves a file of the program, and 404 and 405 otherwise' do
      path = file('file.txt')
      server = serve { |request| request.serve_file(request.path == '/' ? path : File.join(@dir, request.path), headers: { 'x' => 'y' }) }
      expect(server.get.then { |response| [response.body, response['x']] }).to eq(%w[content y])
      response = server.connect.request('POST', '/', body: 'a')
      expect([response.status, response['allow']]).to eq([405, 'GET, HEAD'])
      expect([server.get('/none').status, server.get('/public').status, server.get('/public/file.txt/x').status, server.get("/#{'a' * 300}").status]).to eq([404] * 4)
    end

    it 'closes the connection when the file gets shorter meanwhile' do
      path = file('file.txt', 'x' * 10_000_000)
      server = serve { |request| request.serve_file(path) }
      client = server.connect(receive_buffer: 8192) << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
      client.read_until("\r\n\r\n")
      File.truncate(path, 5_000_000)
      expect(client.rest.bytesize).to be < 10_000_000
      expect(server.log).to include('bytes are missing')
    end

    it 'leaves no file open when the client goes' do
      path = file('file.txt', 'x' * 10_000_000)
      server = serve { |request| request.serve_file(path) }
      before = Dir.children('/proc/self/fd').size
      3.times do
        client = server.connect << "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        client.read_until("\r\n\r\n")
        client.reset
      end
      wait_until { server.server.connections.zero? }
      expect(Dir.children('/proc/self/fd').size).to be <= before + 1
    end
  end
end
