# frozen_string_literal: true

require 'polyphony/http/operation'
require 'tmpdir'

# Settings: where they come from, which of them counts, and what is said of those that are wrong.
RSpec.describe Polyphony::HTTP::Operation::Configuration do
  around do |example|
    Dir.mktmpdir { |folder| Dir.chdir(folder) { with_environment({}) { example.run } } }
  end

  def with_environment(variables)
    names = %w[WEB_CONCURRENCY PORT LISTEN_FDS LISTEN_PID]
    before = ENV.to_h.slice(*names)
    names.each { |name| ENV.delete(name) }
    ENV.update(variables)
    yield
  ensure
    names.each { |name| ENV[name] = before[name] }
  end

  def configured(text = nil, environment: {}, **options)
    File.write('settings.rb', text) if text
    with_environment(environment) { described_class.new(file: text && 'settings.rb', options: options) }
  end

  def refusal(text = nil, **options)
    configured(text, **options)
    'nothing'
  rescue Polyphony::Error => e
    e.message
  end

  it 'has defaults' do
    configuration = configured
    values = %i[app bind tls workers preload limits access_log access_log_format grace worker_timeout boot_timeout pid_file]
             .map { |name| configuration.public_send(name) }
    expect(values).to eq([nil, ['http://127.0.0.1:9292'], nil, 1, false, {}, nil, :common, 30, 60, 120, nil])
  end

  it 'reads every setting from the file' do
    configuration = configured(<<~RUBY)
      app 'other.rb'
      bind 'http://127.0.0.1:1', ['unix:///tmp/x?mode=660']
      tls cert: 'c', key: 'k', verify_client: :optional
      workers 3
      preload
      limits body_bytes: 10
      limits header_timeout: nil
      access_log 'a.log', format: :json
      grace 1.5
      worker_timeout nil
      boot_timeout 5
      pid_file 'pid'
      on_worker_start { |index| index }
      on_worker_stop { |index| index + 1 }
    RUBY
    values = %i[app bind tls workers preload limits access_log access_log_format grace worker_timeout boot_timeout pid_file]
             .map { |name| configuration.public_send(name) }
    expect(values).to eq(['other.rb', ['http://127.0.0.1:1', 'unix:///tmp/x?mode=660'],
                          { cert: 'c', key: 'k', verify_client: :optional }, 3, true,
                          { body_bytes: 10, header_timeout: nil }, 'a.log', :json, 1.5, nil, 5, 'pid'])
    expect([configuration.on_worker_start.call(1), configuration.on_worker_stop.call(1)]).to eq([1, 2])
  end

  it 'specifies every setting that there is' do
    file = File.read(__FILE__)
    (Polyphony::HTTP::Operation::Settings::DEFAULTS.keys - [:access_log_format]).each { |name| expect(file).to match(/^      #{name}\b/) }
  end

  it 'lets the file come before the environment, and the command line before the file' do
    environment = { 'WEB_CONCURRENCY' => '5', 'PORT' => '81' }
    file = "workers 6\nbind 'http://127.0.0.1:82'"
    all = [configured(environment: environment), configured(file, environment: environment),
           configured(file, environment: environment, workers: 7, bind: ['http://127.0.0.1:83'])]
    expect(all.map { |one| [one.workers, one.bind] })
      .to eq([[5, ['http://0.0.0.0:81']], [6, ['http://127.0.0.1:82']], [7, ['http://127.0.0.1:83']]])
  end

  it 'puts limits of file and command line together' do
    configuration = configured('limits body_bytes: 1, header_count: 2', limits: { header_count: 3, requests: nil })
    expect(configuration.limits).to eq(body_bytes: 1, header_count: 3, requests: nil)
  end

  it 'counts the processors for auto' do
    all = [configured(environment: { 'WEB_CONCURRENCY' => 'auto' }), configured('workers :auto'), configured(workers: 'auto')]
    expect(all.map(&:workers)).to eq([Etc.nprocessors] * 3)
  end

  it 'takes an empty variable for none' do
    configuration = configured(environment: { 'WEB_CONCURRENCY' => '', 'PORT' => '' })
    expect([configuration.workers, configuration.bind]).to eq([1, ['http://127.0.0.1:9292']])
  end

  it 'says which variable is wrong' do
    expect(refusal(environment: { 'WEB_CONCURRENCY' => 'many' }))
      .to eq('WEB_CONCURRENCY in the environment: workers must be a number from 0 to 1024, or auto, not "many"')
    expect(refusal(environment: { 'PORT' => '99999' })).to eq('PORT in the environment must be a number from 0 to 65535, not "99999"')
    expect(refusal(environment: { 'PORT' => 'x' })).to start_with('PORT in the environment')
  end

  it 'reads config/polyphony.rb when it is there and no file is named' do
    Dir.mkdir('config')
    File.write('config/polyphony.rb', 'workers 9')
    expect(described_class.new.workers).to eq(9)
    expect(configured('workers 8').workers).to eq(8)
  end

  it 'turns the access log off, whatever the file says' do
    expect(configured("access_log 'x'", access_log: false).access_log).to be_nil
    expect(configured('access_log :off').access_log).to be_nil
    expect(configured('access_log').access_log).to eq(:stdout)
  end

  it 'sees the constants of the program in the file, and none of the server' do
    expect(configured('workers Etc.nprocessors.clamp(2, 2) # ::Etc').workers).to eq(2)
    expect(configured('on_worker_start { defined?(Static) }').on_worker_start.call).to be_nil
    expect(configured("pid_file ENV.fetch('HOME', 'x') + '/pid'").pid_file).to end_with('/pid')
  end

  it 'is read again as a new one' do
    configuration = configured('workers 2', grace: 3)
    File.write('settings.rb', 'workers 4')
    again = configuration.again
    expect([configuration.workers, again.workers, again.grace]).to eq([2, 4, 3])
  end

  it 'names the missing file' do
    expect { described_class.new(file: 'nowhere.rb') }.to raise_error(Polyphony::Error, 'no such configuration file: nowhere.rb')
  end

  {
    "\nwrokers 3" => /\Asettings\.rb:2: no setting is named wrokers: did you mean workers\? There are: app, bind, .*on_worker_stop\z/,
    "\n\nqqq" => /\Asettings\.rb:3: no setting is named qqq: There are: app/,
    "workers 1\nworkers(-1)" => 'settings.rb:2: workers must be a number from 0 to 1024, or auto, not -1',
    'workers "3x"' => 'settings.rb:1: workers must be a number from 0 to 1024, or auto, not "3x"',
    'bind 3' => 'settings.rb:1: bind must be a place to listen at, as "http://0.0.0.0:9292", not 3',
    'bind "ftp://x"' => /\Asettings\.rb:1: cannot listen at "ftp:\/\/x": use http:/,
    'bind "http://x:70000"' => /\Asettings\.rb:1: cannot listen at .*HOST:PORT expected/,
    'bind "unix://"' => 'settings.rb:1: cannot listen at "unix://": a path is missing',
    'bind "unix:///x?mode=abc"' => 'settings.rb:1: cannot listen at "unix:///x?mode=abc": mode must be octal, as in ?mode=660',
    "bind 'unix:///#{'x' * 110}'" => /\Asettings\.rb:1: .*: a path may have 107 bytes/,
    'bind "fd://x"' => 'settings.rb:1: cannot listen at "fd://x": a descriptor number is missing',
    'limits bodybytes: 3' => /\Asettings\.rb:1: no limit is named bodybytes; there are: target_bytes/,
    'limits body_bytes: -3' => /\Asettings\.rb:1: .*body_bytes/,
    'limits idle_timeout: "x"' => /\Asettings\.rb:1: .*idle_timeout/,
    'tls certificate: 3' => /\Asettings\.rb:1: no TLS option named certificate; there are: cert, key/,
    'grace "x"' => 'settings.rb:1: grace must be a number of seconds, at least 0, not "x"',
    'grace Float::NAN' => /\Asettings\.rb:1: grace must be a number of seconds/,
    'worker_timeout 1' => 'settings.rb:1: worker_timeout must be a number of seconds, at least 3, not 1',
    'boot_timeout 0' => 'settings.rb:1: boot_timeout must be a number of seconds, at least 1, not 0',
    'preload 3' => 'settings.rb:1: preload must be true or false, not 3',
    'pid_file ""' => 'settings.rb:1: pid_file must be a file, not ""',
    'app 3' => 'settings.rb:1: app must be a file, config.ru or app.rb, not 3',
    'access_log 3' => 'settings.rb:1: access_log must be a file, :stdout or false, not 3',
    'access_log "config.ru"' => 'settings.rb:1: access_log must be a file for lines, and not a program, not "config.ru"',
    'access_log "x", format: :xml' => 'settings.rb:1: access_log must be of the format :common or :json, not :xml',
    'on_worker_start' => 'settings.rb:1: on_worker_start needs a block',
    "x = 1\nx.fly" => /\Asettings\.rb:2: undefined method .fly. for .*NoMethodError/,
    "\nraise 'my own'" => 'settings.rb:2: my own (RuntimeError)',
    "\nrequire 'no/such/library'" => /\Asettings\.rb:2: cannot load such file -- no\/such\/library \(LoadError\)/,
    "workers (\n" => /\Asettings\.rb:\d+: syntax error/,
    'workers' => /\Asettings\.rb:1: .*wrong number of arguments/
  }.each do |text, message|
    it "says of #{text.inspect} where it is and what to do" do
      expect(refusal(text)).to match(message)
    end
  end

  it 'wants a certificate for https' do
    expect(refusal("bind 'https://127.0.0.1:1'")).to start_with('https:// needs a certificate: --cert FILE --key FILE')
    expect(configured("bind 'https://127.0.0.1:1'\ntls cert: 'c', key: 'k'").bind.size).to eq(1)
  end

  it 'serves the sockets that systemd passes to this process, unless it is told where to listen' do
    environment = { 'LISTEN_FDS' => '2', 'LISTEN_PID' => Process.pid.to_s, 'PORT' => '80' }
    expect(configured(environment: environment).bind).to eq(%w[fd://3 fd://4])
    expect(configured(environment: { **environment, 'LISTEN_PID' => '1' }).bind).to eq(['http://0.0.0.0:80'])
    with_environment(environment) do
      expect(described_class.new(options: { bind: ['fd://4'] }).unused_sockets).to eq(['fd://3'])
      expect(described_class.new(options: { bind: ['fd+tls://4', 'fd://3'], tls: { cert: 'x', key: 'y' } }).unused_sockets).to eq([])
    end
  end
end
