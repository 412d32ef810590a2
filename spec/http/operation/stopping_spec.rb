# frozen_string_literal: true

require_relative '../../support/http_operation'

# TERM and INT, with workers and without.
RSpec.describe 'polyphony serve, stopped' do
  # Says that it waits, and goes on when it may.
  waiting_app = <<~'RUBY'
    proc do |request|
      File.write('waiting', '')
      request.path == '/loop' ? (loop {}) : sleep(0.01) until File.exist?('go')
      request.respond('finished')
    ensure
      File.write('ended', '')
    end
  RUBY

  def begun(program, path = '/wait')
    client = HttpServer::Client.open(program.address)
    client.send_request('GET', path)
    program.wait_until('the request') { file?(program, 'waiting') }
    client
  end

  def file?(program, name) = File.exist?(File.join(program.folder, name))

  def gone?(client)
    client.closed_by_server?
  rescue SystemCallError
    true
  end

  { 'with workers' => %w[-w 2], 'in one process' => %w[-w 0] }.each do |how, arguments|
    context how do
      %i[TERM INT].each do |signal|
        it "lets a request finish that is under way, for #{signal}, and ends with 0" do
          program = operate(*arguments, files: { 'app.rb' => waiting_app }).ready
          client = begun(program)
          program.signal(signal)
          program.wait_until('the end of listening') do
            HttpServer::Client.open(program.address).close
            false
          rescue Errno::ECONNRESET # it was in the line when the socket was closed
            false
          rescue Errno::ECONNREFUSED
            true
          end
          File.write(File.join(program.folder, 'go'), '')
          response = client.response
          expect([response.body, response['connection']]).to eq(%w[finished close])
          expect(program.wait.exitstatus).to eq(0)
          expect(program.log).to match(/: stopped$/)
        end
      end

      it 'closes connections without a request' do
        program = operate(*arguments).ready
        client = HttpServer::Client.open(program.address)
        expect(client.get.status).to eq(200)
        program.signal(:TERM)
        expect(client.closed_by_server?).to be(true)
        expect(program.wait.exitstatus).to eq(0)
      end

      it 'cuts what is not finished when the grace is over, and runs ensure blocks' do
        program = operate(*arguments, '--grace', '0.05', files: { 'app.rb' => waiting_app }).ready
        client = begun(program)
        expect(program.stop.exitstatus).to eq(0)
        expect([gone?(client), file?(program, 'ended')]).to eq([true, true])
        expect(program.log).to match(/1 connections were cut when the server stopped/)
      end

      it 'ends at once for a second signal, with 1, also while a handler computes' do
        program = operate(*arguments, '--pid', 'pid', files: { 'app.rb' => waiting_app }).ready
        client = begun(program, '/loop')
        program.signal(:TERM)
        program.wait_for(/stopping: requests under way/)
        program.signal(:TERM)
        expect(program.wait.exitstatus).to eq(1)
        expect([gone?(client), file?(program, 'pid')]).to eq([true, false])
      end

      it 'has no pid file and no socket left behind' do
        program = operate(*arguments, '--pid', 'server.pid', '-b', 'unix://server.sock').ready
        expect([File.read(File.join(program.folder, 'server.pid')), file?(program, 'server.sock')]).to eq(["#{program.pid}\n", true])
        program.stop
        expect([file?(program, 'server.pid'), file?(program, 'server.sock')]).to eq([false, false])
      end

      it 'ends while the app is being loaded' do
        program = operate(*arguments, '--pid', 'pid', files: { 'app.rb' => "File.write('loading', '')\nsleep" })
        program.wait_until('loading') { file?(program, 'loading') }
        program.stop
        expect(file?(program, 'pid')).to be(false)
        expect(program.log).not_to match(/listening|Error|Exception/)
      end
    end
  end

  it 'ends while a preloaded app is being loaded' do
    program = operate('--preload', '--pid', 'pid', files: { 'app.rb' => "File.write('loading', '')\nsleep" })
    program.wait_until('loading') { file?(program, 'loading') }
    expect(program.stop.exitstatus).to eq(128 + Signal.list['TERM'])
    expect(file?(program, 'pid')).to be(false)
  end

  it 'lets requests finish when Ctrl-C reaches all its processes' do
    program = operate('-w', '2', files: { 'app.rb' => waiting_app }).ready
    client = begun(program)
    Process.kill(:INT, -program.pid)
    program.wait_for(/stopping: requests under way/)
    File.write(File.join(program.folder, 'go'), '')
    expect(client.response.body).to eq('finished')
    expect(program.wait.exitstatus).to eq(0)
  end

  it 'kills a worker that does not end after the grace' do
    program = operate('--grace', '0', files: { 'app.rb' => waiting_app }).ready
    begun(program, '/loop')
    expect(program.stop.exitstatus).to eq(0)
    expect(program.log).to match(/worker 0 \(\d+\) did not end in time: killed/)
  end

  it 'ends in one process that does not get to it after the grace' do
    program = operate('-w', '0', '--grace', '0', files: { 'app.rb' => waiting_app }).ready
    begun(program, '/loop')
    expect(program.stop.exitstatus).to eq(1)
    expect(program.log).to match(/not stopped after 5\S* s: ended/)
  end
end
