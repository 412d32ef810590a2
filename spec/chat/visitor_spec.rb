# frozen_string_literal: true

require_relative '../support/chat'

RSpec.describe 'a visitor of the chat', :fibers, :virtual_time do
  let(:room) { Chat::Rooms.new['lobby'] }

  # @return [Polyphony::Fiber]
  def visit(socket, name = 'Ada', since: '')
    spin { Chat::Visitor.new(socket, room, name).stay(since) }
  end

  def said(socket) = socket.events.select { |event| event[:type] == 'said' }.map { |event| event[:text] }

  it 'says something, sees it, and leaves' do
    socket = ChatPeople::Socket.new({ say: 'hello', id: 'message-1' }, { typing: true })
    visitor = visit(socket)
    settle
    expect(socket.events.map { |event| event[:type] }).to eq(%w[welcome said typing])
    expect(room).not_to be_empty
    socket.go
    visitor.await
    settle
    expect(room).to be_empty
  end

  it 'is read more slowly when it says too much' do
    watcher = person(room, 'Bob')
    socket = ChatPeople::Socket.new(*(1..30).map { |n| { say: n.to_s, id: "message-#{n}" } })
    visit(socket)
    settle
    expect(watcher.heard).to eq((1..20).map(&:to_s))
    sleep 1.01
    expect(watcher.heard).to eq((21..24).map(&:to_s))
    sleep 1
    expect(watcher.heard).to eq((25..28).map(&:to_s))
  end

  it 'says no more than 2,000 characters, no control characters, and never nothing' do
    texts = ['x' * 3000, "a\u0000b\u001b[31m\nc", "  \n ", '', '<b>&amp;</b>']
    socket = ChatPeople::Socket.new(*texts.each_with_index.map { |text, n| { say: text, id: "message-#{n}" } })
    visit(socket)
    settle
    expect(said(socket)).to eq(['x' * 2000, "a b [31m\nc", '<b>&amp;</b>'])
  end

  ['', 'no JSON', '[]', '{}', '{"say": 1, "id": "12345678"}', '{"say": "x"}', '{"say": "x", "id": "short"}',
   '{"say": "x", "id": "1234567890\n"}', '{"typing": "yes"}', '"\ud800"', '[' * 200].each do |nonsense|
    it "is shown out after saying #{nonsense[0, 40].inspect}" do
      socket = ChatPeople::Socket.new(nonsense)
      visit(socket).await
      expect(socket.closed).to eq([1007, 'This was not understood.'])
      settle
      expect(room).to be_empty
    end
  end

  it 'is asked to come again when the room closes' do
    socket = ChatPeople::Socket.new
    visitor = visit(socket)
    settle
    room.close
    visitor.await
    expect(socket.closed).to eq([1013, 'Come again.'])
  end

  it 'leaves the room also when it is stopped' do
    visitor = visit(ChatPeople::Socket.new)
    settle
    visitor.stop
    settle
    expect(room).to be_empty
  end
end
