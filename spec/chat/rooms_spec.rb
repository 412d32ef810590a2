# frozen_string_literal: true

require_relative '../support/chat'

# The rooms of examples/chat by themselves, in virtual time.
RSpec.describe 'the rooms of the chat', :fibers, :virtual_time do
  let(:rooms) { Chat::Rooms.new }
  let(:lobby) { rooms['lobby'] }

  def people_in(events) = events.select { |event| event[:type] == 'present' }.map { |event| event[:people] }

  it 'show everybody in a room what is said there, in one order, and nobody else' do
    ada, bob = %w[Ada Bob].map { |name| person(lobby, name) }
    carl = person(rooms['tea'], 'Carl')
    ada.say 'one'
    bob.say 'two'
    ada.say 'three'
    settle
    expect([ada, bob, carl].map(&:heard)).to eq([%w[one two three], %w[one two three], []])
  end

  it 'welcome who comes later with what was said before' do
    ada = person(lobby, 'Ada')
    ada.say 'hello', 'first-message'
    settle
    welcome = person(lobby, 'Bob').events.first
    expect(welcome).to match(type: 'welcome', room: 'lobby', resumed: false, people: [], rooms: {},
                             said: [{ id: 'first-message', name: 'Ada', text: 'hello', at: be_within(60).of(Time.now.to_i) }])
  end

  it 'send who comes back what was missed, or everything if nobody remembers' do
    ada = person(lobby, 'Ada')
    5.times { |n| ada.say "text #{n}", "message-#{n}" }
    settle
    seen = ->(since) { person(lobby, 'Bob', since: since).events.first.then { |event| [event[:resumed], event[:said].map { |said| said[:id] }] } }
    expect(seen['message-2']).to eq([true, %w[message-3 message-4]])
    expect(seen['message-4']).to eq([true, []])
    expect(seen['of-long-ago']).to eq([false, %w[message-0 message-1 message-2 message-3 message-4]])
  end

  it 'remember a hundred messages' do
    ada = person(lobby, 'Ada')
    130.times { |n| ada.say n.to_s }
    settle
    expect(person(lobby, 'Bob').heard).to eq((30...130).map(&:to_s))
  end

  it 'take a message that is sent again for the same one' do
    ada = person(lobby, 'Ada')
    2.times { ada.say 'did this arrive?', 'one-and-the-same' }
    settle
    expect(ada.heard).to eq(['did this arrive?'])
  end

  it 'say who is typing' do
    ada = person(lobby, 'Ada')
    lobby.typing('Bob')
    settle
    expect(ada.events.last).to eq(type: 'typing', name: 'Bob')
  end

  it 'tell who is where, each name once, and who has left' do
    ada, again, bob, carl = person(lobby, 'Ada'), person(lobby, 'Ada'), person(lobby, 'Bob'), person(rooms['tea'], 'Carl')
    sleep 1
    expect(ada.events.last).to eq(type: 'present', people: %w[Ada Bob], rooms: { lobby: 2, ruby: 0, tea: 1 })
    expect(people_in(carl.events)).to end_with([%w[Carl]])
    [again, bob].each(&:leave)
    sleep 1
    expect(ada.events.last).to eq(type: 'present', people: %w[Ada], rooms: { lobby: 1, ruby: 0, tea: 1 })
  end

  it 'tell of many who come at once in a few messages' do
    everybody = (1..100).map { |n| person(lobby, "Nr #{n}") }
    sleep 60
    messages = people_in(everybody.first.events)
    expect(messages.last.size).to eq(100)
    expect(messages.size).to be <= 3
  end

  it 'begin again when one has failed: those in it come back, and nothing that was said is lost' do
    ada = person(lobby, 'Ada')
    ada.say 'before'
    settle
    expect { lobby.send(:instance_variable_get, :@fiber) << :nonsense and sleep 1 }.to output(/nonsense/).to_stderr
    expect(ada.closed).to eq([1013, 'Come again.'])
    back = person(rooms['lobby'], 'Ada')
    expect(back.heard).to eq(['before'])
    back.say 'after'
    settle
    expect(back.heard).to eq(['after'])
    sleep 1
    expect(person(lobby, 'Bob').events.last[:people]).to eq(['Ada'])
  end

  it 'are no more than a hundred: an empty one makes room for another' do
    stays = person(lobby, 'Ada')
    99.times { |n| expect(rooms["room-#{n}"]).to be_a(Chat::Room) }
    expect(rooms['one-more']).to be_a(Chat::Room)
    100.times { |n| person(rooms["full-#{n}"], 'Bob') if rooms["full-#{n}"] }
    expect(rooms['too-many']).to be_nil
    stays.say 'I am still here'
    settle
    expect(stays.heard).to eq(['I am still here'])
  end
end
