# frozen_string_literal: true

require 'polyphony/http/operation'
require_relative '../../support/http_operation'

# Where it listens, pid files, and what is said of what cannot be.
RSpec.describe 'polyphony serve' do
  def file(program, name) = File.join(program.folder, name)

  it 'listens at all places that it is told' do
    program = operate('-b', 'http://127.0.0.1:0', '-b', 'http://[::1]:0', '-b', 'unix://a.sock').ready
    expect(program.addresses).to match([%r{\Ahttp://127\.0\.0\.1:\d+\z}, %r{\Ahttp://\[::1\]:\d+\z}, 'unix://a.sock'])
    tcp = program.addresses.first(2).map { |address| program.get(address: address) }
    expect([*tcp, program.get(address: "unix://#{file(program, 'a.sock')}")].uniq).to eq([program.workers.first.to_s])
  end

  it 'gives the file of a unix socket the mode that it is told, and otherwise that of the umask' do
    program = operate('-b', 'unix://a.sock?mode=660', '-b', 'unix://b.sock').ready
    expect(File.stat(file(program, 'a.sock')).mode & 0o777).to eq(0o660)
    expect(File.stat(file(program, 'b.sock')).mode & 0o777).to eq(0o777 & ~File.umask)
  end

  it 'listens at a socket that it inherits' do
    socket = TCPServer.new('127.0.0.1', 0)
    program = operate('-b', 'fd://9', '-w', '2', 9 => socket).ready
    expect(program.address).to eq("http://127.0.0.1:#{socket.addr[1]}")
    expect(program.get).not_to be_empty
  ensure
    socket.close
  end

  it 'takes the place of a unix socket at which nobody listens any more' do
    folder = operation_folder
    UNIXServer.new(File.join(folder, 'a.sock')).close
    program = operate('-b', "unix://#{folder}/a.sock").ready
    expect(program.get).not_to be_empty
  end

  it 'leaves the file of a unix socket that is another server by now' do
    program = operate('-b', 'unix://a.sock').ready
    path = file(program, 'a.sock')
    File.unlink(path)
    other = UNIXServer.new(path)
    program.stop
    expect(File.socket?(path)).to be(true)
  ensure
    other.close
  end

  it 'says where another program listens already' do
    folder = operation_folder
    other = [TCPServer.new('127.0.0.1', 0), UNIXServer.new("#{folder}/a.sock")]
    address = "http://127.0.0.1:#{other.first.addr[1]}"
    expect(operate_in_vain('-b', address))
      .to eq([1, "polyphony: Address already in use - cannot listen at #{address}: another program does (`ss -ltnp` says which)\n"])
    expect(operate_in_vain('-b', "unix://#{folder}/a.sock"))
      .to eq([1, "polyphony: Address already in use - cannot listen at unix://#{folder}/a.sock: another program does, or a file is there\n"])
  ensure
    other.each(&:close)
  end

  it 'leaves a file that is no socket where it is' do
    folder = operation_folder('notes' => 'of value')
    status, log = operate_in_vain('-b', "unix://#{folder}/notes")
    expect([status, log, File.read("#{folder}/notes")]).to match([1, /cannot listen at.*a file is there/, 'of value'])
  end

  it 'opens nothing when it cannot open all' do
    taken = TCPServer.new('127.0.0.1', 0)
    folder = operation_folder
    status, = operate_in_vain('-b', "unix://#{folder}/a.sock", '-b', "http://127.0.0.1:#{taken.addr[1]}", '--pid', "#{folder}/pid")
    expect([status, Dir.children(folder)]).to eq([1, ['app.rb']])
  ensure
    taken.close
  end

  it 'says what to do about a port that is for root only' do
    bind = Polyphony::HTTP::Bind.parse('http://127.0.0.1:80')
    bind.define_singleton_method(:adopt) { |*| raise Errno::EACCES }
    expect { bind.open }.to raise_error(Errno::EACCES, %r{cannot listen at http://127\.0\.0\.1:80: ports below 1024 are for root\. Take a higher one})
  end

  it 'says that a host is not known, or not of this machine' do
    expect(operate_in_vain('-b', 'http://203.0.113.9:0')).to match([1, /cannot listen at .*: this machine does not have that address$/])
    expect(operate_in_vain('-b', 'http://no.such.host.invalid:80')).to match([1, /\Apolyphony: .*/])
  end

  it 'writes its number into the pid file, also where an old one was left behind' do
    gone = Process.spawn('true').tap { |pid| Process.wait(pid) }
    program = operate('--pid', 'run/pid', files: { 'run/pid' => "#{gone}\n" }).ready
    expect(File.read(file(program, 'run/pid'))).to eq("#{program.pid}\n")
  end

  it 'takes a pid file with nonsense for an old one' do
    program = operate('--pid', 'pid', files: { 'pid' => "what?\n" }).ready
    expect(File.read(file(program, 'pid'))).to eq("#{program.pid}\n")
  end

  it 'does not begin when the process of the pid file is running, and leaves it alone' do
    status, log = operate_in_vain('--pid', 'pid', files: { 'pid' => "#{Process.pid}\n" })
    expect(status).to eq(1)
    expect(log).to match(%r{\Apolyphony: /.*/pid says that process #{Process.pid} is the server, and it is running\. Stop that one first})
    expect(File.read(File.join(@folders.last, 'pid'))).to eq("#{Process.pid}\n")
  end

  it 'does not begin when the pid file cannot be written' do
    expect(operate_in_vain('--pid', 'no/such/folder/pid')).to match([1, /\Apolyphony: the pid file cannot be written: No such file or directory/])
  end
end
