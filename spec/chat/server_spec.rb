# frozen_string_literal: true

require_relative '../support/chat_server'

# What `bin/start` serves, without a browser.
RSpec.describe 'the server of the chat' do
  def page = Dir.children(File.join(ROOT, 'examples/chat/page'))

  it 'sends the page and its parts, which may load nothing else' do
    client = HttpServer::Client.open(common_chat.address)
    answers = ['/', *page.map { |name| "/#{name}" }].to_h { |path| [path, client.get(path)] }
    expect(answers.values.map(&:status)).to all(eq(200))
    expect(answers.values.map { |answer| answer['content-security-policy'] }).to all(start_with("default-src 'self'; "))
    expect(answers['/']['content-type']).to eq('text/html; charset=utf-8')
    expect(answers['/'].body).not_to match(/<script(?! type="module" src=")|<style|\son\w+=|\sstyle=/)
    # Links that people write are matched by a pattern; else there is no address of another machine.
    expect(answers.values.map(&:body).join.scan(%r{https?://\w[^\s"']*}).uniq).to eq(['http://www.w3.org/2000/svg'])
    expect(client.get('/../app.rb').status).to eq(404)
    expect(client.get('/chat').status).to eq(426)
  ensure
    client&.close
  end

  it 'is what bin/start serves' do
    expect(run_command(File.join(ROOT, 'bin/start'), '--help').stdout).to match(/^  bin\/start +chat rooms/)
    expect(File.read(File.join(ROOT, 'bin/start'))).to include('serve "$@" "$root/examples/chat/app.rb"')
  end

  it 'is short enough to be read' do
    expect(Dir.glob(File.join(ROOT, 'examples/chat/*.rb')).sum { |file| File.readlines(file).size }).to be < 300
  end

  it 'lets people talk, come back to what they missed, and leave' do
    server, room = common_chat, room_of_our_own
    ada = guest(server, 'Ada', room: room)
    bob = guest(server, 'Bob', room: room)
    expect(ada.see('welcome')).to match(type: 'welcome', room: room, resumed: false, said: [], people: [], rooms: Hash)
    ada.say 'hello', 'message-1'
    expect([ada, bob].map(&:hear)).to eq(%w[hello hello])
    bob.gone
    ada.say 'are you there?'
    ada.hear
    back = guest(server, 'Bob', room: room, since: 'message-1')
    expect(back.see('welcome')).to match(hash_including(resumed: true, said: [hash_including(name: 'Ada', text: 'are you there?')]))
    back.say '<i>yes</i>'
    expect(ada.hear).to eq('<i>yes</i>')
    back.gone
    carl = guest(server, 'Carl', room: room)
    ada.see_people('Ada', 'Carl')
    carl.gone
    ada.see_people('Ada')
  end

  {
    'a name that is none' => ['lobby', ' '], 'a name with a line in it' => ['lobby', "A\nB"], 'a long name' => ['lobby', 'x' * 25],
    'a room that is none' => ['../etc', 'Ada'], 'no room' => ['', 'Ada']
  }.each do |what, (room, name)|
    it "turns #{what} away, for good" do
      expect(ChatServer::Guest.enter(common_chat.address, room, name).closing).to match([4403, /name/])
    end
  end

  it 'refuses pages of other sites, and takes its own' do
    server = common_chat
    expect { guest(server, 'Ada', headers: { 'Origin' => 'https://elsewhere.example' }) }.to raise_error(/403 Forbidden/)
    expect(guest(server, 'Ada', headers: { 'Origin' => 'http://localhost' }).see('welcome')[:room]).to eq('lobby')
  end

  it 'closes what sends nonsense, or too much at once, and goes on' do
    server = common_chat
    expect((guest(server, 'Ada') << 'hello').closing).to eq([1007, 'This was not understood.'])
    client = HttpServer::Client.open(server.address)
    too_much = ChatServer::Guest.new(client, '/chat?room=lobby&name=Ada')
    client << [0x81, 0x80 | 126, 20_000, 0, 'x' * 20_000].pack('CCnNa*')
    expect(too_much.closing.first).to eq(1009)
    guest(server, 'Bob').see('welcome')
  end

  it 'says 1001 to everybody when it stops, and ends well' do
    server = chat
    guests = %w[Ada Bob].map { |name| guest(server, name).tap { |one| one.see('welcome') } }
    server.signal(:TERM)
    expect(guests.map(&:closing)).to eq([[1001, '']] * 2)
    guests.each(&:gone)
    expect(server.wait.exitstatus).to eq(0)
    expect(server.log.lines.size).to be <= 3 # listening, stopping, stopped
  end
end
