# frozen_string_literal: true

require_relative '../support/http_operation'

# The command line of `polyphony serve`.
RSpec.describe 'polyphony serve' do
  def polyphony(*arguments, **options)
    run_ruby(File.join(ROOT, 'exe/polyphony'), *arguments, **options)
  end

  it 'has a help that says all it can do' do
    out, err, status = polyphony('serve', '--help')
    expect([err, status.exitstatus]).to eq(['', 0])
    expect(out).to start_with('Usage: polyphony serve [OPTIONS] [config.ru | app.rb]')
    %w[--bind --cert --key --limit --workers --config --access-log --log-format --grace --pid --preload --help WEB_CONCURRENCY PORT
       LISTEN_FDS NOTIFY_SOCKET TERM HUP TTIN USR1 QUIT docs/serving.md unix:///].each { |word| expect(out).to include(word) }
    expect(out.lines.map(&:chomp).reject { |line| line.size <= 100 }).to eq([])
  end

  it 'has examples in its help that it understands, and a handler that serves' do
    out = polyphony('serve', '--help').stdout
    handler = out[/^  (proc \{.*\})$/, 1]
    program = operate(files: { 'app.rb' => handler }).ready
    expect(program.get('/there')).to eq("hello from /there\n")
    settings = out[/configuration file has lines like these.*?\n\n(.*?)\n\n/m, 1]
    Dir.mktmpdir do |folder|
      File.write("#{folder}/settings.rb", settings)
      require 'polyphony/http/operation'
      expect(Polyphony::HTTP::Operation::Configuration.new(file: "#{folder}/settings.rb").access_log).to eq('log/access.log')
    end
  end

  it 'is in the general help' do
    expect(polyphony('--help').stdout).to match(/^  serve +a web server for config\.ru/)
  end

  {
    %w[--wrong] => /\Apolyphony: invalid option: --wrong$/,
    %w[--workers] => /\Apolyphony: missing argument: --workers$/,
    %w[--workers x] => /\Apolyphony: workers must be a number from 0 to 1024, or auto, not "x"$/,
    %w[--workers -1] => /\Apolyphony: workers must be a number/,
    %w[--grace x] => /\Apolyphony: invalid argument: --grace x$/,
    %w[--grace -1] => /\Apolyphony: grace must be a number of seconds, at least 0, not -1\.0$/,
    %w[--bind nowhere] => %r{\Apolyphony: cannot listen at "nowhere": use http://HOST:PORT, https://HOST:PORT, unix:///PATH or fd://NUMBER$},
    %w[--limit body] => /\Apolyphony: --limit wants NAME=VALUE, not body$/,
    %w[--limit body_bytes=x] => /\Apolyphony: --limit body_bytes=x: x is no number$/,
    %w[--limit body=1] => /\Apolyphony: no limit is named body; there are: target_bytes/,
    %w[--log-format xml] => /\Apolyphony: invalid argument: --log-format xml$/,
    %w[one.rb two.rb] => /\Apolyphony: one file at a time, not also two\.rb$/
  }.each do |arguments, message|
    it "refuses #{arguments.join(' ')} with 2 and says how to get help" do
      out, err, status = polyphony('serve', *arguments)
      expect([out, status.exitstatus]).to eq(['', 2])
      expect(err).to match(message).and end_with("\nTry `polyphony serve --help`.\n")
    end
  end

  it 'ends with 1 and a line when there is nothing to serve' do
    Dir.mktmpdir do |folder|
      result = polyphony('serve', chdir: folder)
      expect([result.status.exitstatus, result.stderr])
        .to eq([1, "polyphony: nothing to serve: neither config.ru nor app.rb is here. Name a file\n"])
    end
  end

  it 'ends with 1 and a line when the configuration file is not there, or wrong, or there is no certificate' do
    { %w[-c no.rb] => 'no such configuration file: no.rb', %w[-c app.rb] => 'app.rb:1: workers must be a number from 0 to 1024, or auto, not -3',
      %w[-b https://127.0.0.1:0 --cert no.pem --key no.pem] => /the certificate no\.pem cannot be read: No such file/ }.each do |arguments, message|
      status, log = operate_in_vain(*arguments, files: { 'app.rb' => 'workers(-3)' })
      expect([status, log]).to match([1, message.is_a?(Regexp) ? message : "polyphony: #{message}\n"])
    end
  end

  it 'serves config.ru, with limits from the command line' do
    rack = "run ->(env) { [200, {}, [env['rack.input'].read]] }\n"
    program = operate('--limit', 'body_bytes=3', 'config.ru', files: { 'config.ru' => rack }).ready
    client = HttpServer::Client.open(program.address)
    expect(client.request('POST', '/', body: 'abc').body).to eq('abc')
    expect(client.request('POST', '/', body: 'abcd').status).to eq(413)
  end
end
