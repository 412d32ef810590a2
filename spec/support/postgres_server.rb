# frozen_string_literal: true

require 'fileutils'
require 'socket'
require 'tmpdir'
require_relative 'http_certificates'
require_relative 'run_ruby'

# A PostgreSQL server of one spec's own: to be killed, filled up, and spoken to by passwords and TLS. Its user
# `secret` has the password 'word'; TLS certificates are for "localhost", signed by the authority in #authority.
class PostgresServer
  extend Support::RunRuby

  # Debian keeps them off the PATH.
  BIN = Dir.glob('/usr/lib/postgresql/*/bin').max_by { |dir| dir[/\d+/].to_i } ||
        ENV.fetch('PATH').split(':').find { |dir| File.executable?(File.join(dir, 'initdb')) }
  CONNECTIONS = 15 # max_connections; 3 of them are kept for superusers

  # @return [PostgresServer, nil] started; one for the process, as making it takes a second
  def self.start
    @server ||= new.tap { |server| Kernel.at_exit { server.remove if server.mine? } }
    @server.ensure_running
    @server
  end

  attr_reader :port

  def initialize
    @pid = Process.pid
    @dir = Dir.mktmpdir('polyphony-postgres')
    @data = File.join(@dir, 'data')
    FileUtils.chmod(0o755, @dir)
    FileUtils.mkdir(@data)
    FileUtils.chown('postgres', nil, @data) if Process.uid.zero?
    command('initdb', '-D', @data, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--no-locale', '--no-sync')
    certificates
    own(File.join(@data, 'pg_hba.conf'), "host all secret all scram-sha-256\nhost all all all trust\n")
  end

  def mine? = @pid == Process.pid

  # @return [String] path of the certificate of who signed the server's
  def authority = File.join(@dir, 'ca.crt')

  # @return [Hash] to connect with
  def options(**more) = { host: '127.0.0.1', port: @port, user: 'postgres', dbname: 'postgres', **more }

  def ensure_running
    running? || start
  end

  def running?
    @port && begin
      TCPSocket.new('127.0.0.1', @port).close
      true
    rescue SystemCallError
      false
    end
  end

  # On the port it had, if it had one.
  def start
    started = (1..3).any? do
      port = @port || free_port
      control('-l', File.join(@data, 'log'), '-o', settings(port), 'start') && @port = port
    end
    raise "PostgreSQL did not start: #{log.lines.last(5).join}" unless started

    psql("CREATE ROLE secret LOGIN PASSWORD 'word'") unless psql("SELECT rolname FROM pg_roles WHERE rolname = 'secret'").include?('secret')
  end

  # As a power failure.
  def kill
    pid = File.read(File.join(@data, 'postmaster.pid')).lines.first.to_i
    children = Dir.glob('/proc/[0-9]*/stat').filter_map do |file|
      fields = File.read(file).rpartition(') ').last.split
      file[%r{/proc/(\d+)}, 1].to_i if fields[1].to_i == pid
    rescue SystemCallError
      nil
    end
    [pid, *children].each { |id| end_process(id) }
    sleep 0.01 while [pid, *children].any? { |id| alive?(id) } # what is left would keep the next from starting
    FileUtils.rm_f(File.join(@data, 'postmaster.pid')) # and so would this, while nobody takes note that the process has ended
  end

  def remove
    control('-m', 'immediate', 'stop') if File.exist?(File.join(@data, 'postmaster.pid'))
    FileUtils.rm_rf(@dir)
  end

  def log = File.read(File.join(@data, 'log'))

  private

  def end_process(id)
    Process.kill(:KILL, id)
  rescue Errno::ESRCH
    nil
  end

  def alive?(id)
    File.read("/proc/#{id}/stat") !~ /\) Z /
  rescue SystemCallError
    false
  end

  def settings(port)
    "-h 127.0.0.1 -p #{port} -c unix_socket_directories= -F -c max_connections=#{CONNECTIONS} -c max_wal_senders=0 -c ssl=on -c ssl_cert_file=server.crt -c ssl_key_file=server.key"
  end

  def free_port
    server = TCPServer.new('127.0.0.1', 0)
    server.addr[1]
  ensure
    server.close
  end

  def certificates
    ca = HttpCertificates.certificate('Polyphony test authority', authority: true)
    File.write(authority, ca.cert.to_pem)
    server = HttpCertificates.certificate('localhost', by: ca)
    own(File.join(@data, 'server.crt'), server.cert.to_pem)
    own(File.join(@data, 'server.key'), server.key.to_pem)
  end

  def own(path, text)
    File.write(path, text)
    File.chmod(0o600, path)
    FileUtils.chown('postgres', nil, path) if Process.uid.zero?
  end

  def control(*arguments)
    command('pg_ctl', '-D', @data, '-w', '-t', '60', *arguments)
    true
  rescue RuntimeError
    false
  end

  def psql(sql)
    command('psql', '-h', '127.0.0.1', '-p', @port.to_s, '-U', 'postgres', '-Atc', sql, 'postgres')
  end

  # Output to a file: the server inherits what pg_ctl has.
  def command(name, *arguments)
    as = Process.uid.zero? ? %w[runuser -u postgres --] : []
    output = File.join(@dir, 'output')
    clean = %w[PGHOST PGPORT PGUSER PGDATABASE].to_h { |variable| [variable, nil] }
    pid = Process.spawn(clean, *as, File.join(BIN, name), *arguments, chdir: '/', in: File::NULL, %i[out err] => [output, 'w'], pgroup: true)
    _, status = Process.wait2(pid)
    text = File.read(output)
    raise "#{name} failed: #{text}" unless status.success?

    text
  end
end
