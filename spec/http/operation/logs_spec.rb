# frozen_string_literal: true

require 'json'
require 'polyphony/http'
require_relative '../../support/http_operation'

# The access log of a server that is operated, and the logs' new files.
RSpec.describe 'polyphony serve, its logs' do
  def file(program, name) = File.join(program.folder, name)

  def lines(program, name, count = 1)
    program.wait_until("#{count} lines") { File.exist?(file(program, name)) && (all = File.readlines(file(program, name), chomp: true)).size >= count && all }
  end

  common = %r{\A127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /x\?a=1 HTTP/1\.1" 200 \d+ \d\.\d{4}\z}

  { 'with workers' => %w[-w 2], 'in one process' => %w[-w 0] }.each do |how, arguments|
    context how do
      it 'has a line for each request in a file' do
        program = operate(*arguments, '--access-log=access.log').ready
        program.get('/x?a=1')
        expect(lines(program, 'access.log').first).to match(common)
      end

      it 'goes on in a new file after USR1, and loses no line' do
        program = operate(*arguments, '--access-log=access.log').ready
        program.get('/x?a=1')
        lines(program, 'access.log')
        File.rename(file(program, 'access.log'), file(program, 'access.log.1'))
        program.signal(:USR1)
        program.wait_until('a new file') { File.exist?(file(program, 'access.log')) }
        program.get('/x?a=1')
        program.wait_until('two lines') { %w[access.log access.log.1].sum { |name| File.readlines(file(program, name)).size } == 2 }
      end

      it 'writes what it has when it stops' do
        program = operate(*arguments, '--access-log').ready
        3.times { program.get('/x?a=1') }
        program.stop
        expect(program.output.lines(chomp: true)).to match([common] * 3)
      end
    end
  end

  it 'has JSON in it' do
    program = operate('--access-log=access.log', '--log-format', 'json').ready
    program.get('/x?a=1')
    entry = JSON.parse(lines(program, 'access.log').first)
    expect(entry.slice('address', 'method', 'target', 'protocol', 'status'))
      .to eq('address' => '127.0.0.1', 'method' => 'GET', 'target' => '/x?a=1', 'protocol' => 'HTTP/1.1', 'status' => 200)
  end

  it 'has none without being told, nor when the command line says so' do
    program = operate('--no-access-log', files: { 'config/polyphony.rb' => "access_log 'access.log'" }).ready
    program.get
    program.stop
    expect([File.exist?(file(program, 'access.log')), program.output]).to eq([false, ''])
  end

  it 'does not take the app for the access log' do
    program = operate('--access-log', 'app.rb').ready
    program.get
    program.stop
    expect(File.read(file(program, 'app.rb'))).to eq(HttpOperation::APP)
    expect(program.output.lines.size).to eq(1)
  end

  it 'goes on when the new file cannot be opened' do
    program = operate('--access-log=logs/access.log', files: { 'logs/x' => '' }).ready
    FileUtils.rm_rf(file(program, 'logs'))
    program.signal(:USR1)
    program.wait_for(/worker 0: the access log cannot be opened again: No such file or directory/)
    expect(program.get).not_to be_empty
  end

  it 'does not begin when the file cannot be opened' do
    expect(operate_in_vain('--access-log=no/such/folder')).to match([1, /did not start: the access log cannot be opened: No such file/])
  end

  it 'writes whole lines, and no more at a time than a pipe takes from one process without mixing it with others' do
    reader, writer = IO.pipe
    sizes = []
    writer.define_singleton_method(:write) { |text| sizes << text.bytesize && super(text) }
    request = Class.new(Struct.new(:target)) do
      def method = 'GET'
      def version = 'HTTP/1.1'
      def remote_ip = '127.0.0.1'
    end
    log = Polyphony::HTTP::AccessLog.new(writer)
    targets = Array.new(200) { |i| "/#{'x' * (i * 3)}é" } << "/#{'y' * 6000}"
    all = Thread.new { reader.read }
    targets.each { |target| log.write(request.new(target), 200, 1, 0.1) }
    log.flush
    writer.close
    lines = all.value.force_encoding('UTF-8').lines
    expect(lines.map { |line| line[/GET (.*) HTTP/, 1] }).to eq(targets)
    expect(sizes.sum).to eq(lines.sum(&:bytesize))
    expect(sizes.sort.last(2)).to match([be <= 4096, lines.last.bytesize])
    expect(sizes.size).to be < 60
  end

  it 'answers on while nobody takes the lines of a pipe' do
    reader, writer = IO.pipe
    program = operate('-w', '1', '--access-log', out: writer).ready
    writer.close
    client = HttpServer::Client.open(program.address)
    700.times { expect(client.get("/#{'x' * 300}").status).to eq(200) } # more than a pipe holds
    client.close
    output = Thread.new { reader.read }
    program.stop
    expect(output.value.lines).to all(match(%r{\A127\.0\.0\.1 - - \[[^\]]+\] "GET /x+ HTTP/1\.1" 200 \d+ \d+\.\d{4}\n\z}))
  end

  it 'is of one style in all it says itself' do
    program = operate('-w', '2').ready
    program.signal(:HUP)
    program.wait_for(/: reloaded: /)
    program.signal(:TTIN)
    program.wait_for(/from now on/)
    program.stop
    expect(program.log.lines(chomp: true)).to all(match(/\Apolyphony: (worker \d: )?[a-z0-9]/))
  end
end
