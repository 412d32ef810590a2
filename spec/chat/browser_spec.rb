# frozen_string_literal: true

require_relative '../support/chat_server'
require_relative '../support/chromium'
require_relative '../support/http_certificates'

# The chat in Chromium. Each page is another person's browser. Whatever a page complains of fails the example.
RSpec.describe 'the chat in a browser', timeout: 300 do
  let(:room) { room_of_our_own }

  def open_chat(address, name, room: self.room, **options)
    page = Chromium.instance.page("#{address}/##{room}", **options)
    (@pages ||= []) << page
    page.type('#name', name).press_enter
    online(page)
  end

  def online(page) = page.wait("document.body.dataset.state === 'open'")

  def say(page, text) = page.type('#text', text).press_enter

  # Who types is forgotten after a moment, which is short for a busy machine.
  def note_typists(page)
    page.evaluate(<<~JS)
      window.typists = []
      new MutationObserver(() => typists.push(document.querySelector('#typing').innerText))
        .observe(document.querySelector('#typing'), { childList: true, characterData: true, subtree: true })
    JS
  end

  def see_typing(page, name) = page.wait("typists.includes('#{name} is typing…')")

  # @return [Array<Array(String, String)>] names and texts, as they are shown
  def messages(page)
    page.evaluate("[...document.querySelectorAll('.message')].map((item) => [item.dataset.name, item.querySelector('.words').innerText])")
  end

  # Waits until it has arrived everywhere.
  def read(text, *pages)
    pages.each { |page| page.wait("[...document.querySelectorAll('.message:not(.pending) .words')].some((words) => words.innerText === #{text.to_json})") }
  end

  after do |example|
    complaints = (@pages || []).to_h { |page| [page.evaluate('location.href'), page.errors] }.reject { |_, errors| errors.empty? }
    expect(complaints).to eq({}) unless example.exception
  ensure
    @pages&.each(&:close)
  end

  it 'lets two people talk; one loads the page again and sees what was said' do
    address = common_chat.address
    ada, bob = open_chat(address, 'Ada'), open_chat(address, 'Bob')
    [ada, bob].each { |page| page.wait("document.querySelectorAll('#people li').length === 2") }
    say(ada, 'hello')
    read('hello', ada, bob)
    note_typists(ada)
    bob.type('#text', '<img src=x onerror=alert(1)> & <b>bold</b>')
    see_typing(ada, 'Bob')
    bob.press_enter
    read('<img src=x onerror=alert(1)> & <b>bold</b>', ada, bob)
    expect(ada.evaluate("document.querySelectorAll('.words img, .words b').length")).to eq(0)
    say(ada, 'see https://example.org/a?b=c.')
    read('see https://example.org/a?b=c.', bob)
    expect(bob.evaluate("document.querySelector('.words a').href")).to eq('https://example.org/a?b=c')

    before = messages(bob)
    expect(before.map(&:first)).to eq(%w[Ada Bob Ada])
    expect([ada, bob].map { |page| page.evaluate("document.querySelectorAll('.day').length") }).to eq([1, 1])
    online(bob.reload)
    bob.wait("document.querySelectorAll('.message').length === 3")
    expect(messages(bob)).to eq(before)
    say(bob, 'back again')
    read('back again', ada)
  end

  it 'has rooms: those in one do not hear the others' do
    address = common_chat.address
    ada, bob = %w[Ada Bob].map { |name| open_chat(address, name, room: 'lobby') }
    ada.type('#new-room-name', 'Quiet Place').press_enter
    ada.see('quiet-place', within: '#title')
    online(ada)
    say(ada, 'anybody?')
    read('anybody?', ada)
    bob.see('quiet-place', within: '#rooms')
    bob.evaluate("document.querySelector('#rooms a[href=\"#quiet-place\"]').click()") # the list may change under a mouse
    read('anybody?', bob)
    bob.evaluate('history.back()')
    bob.see('lobby', within: '#title')
    say(bob, 'back in the lobby')
    read('back in the lobby', bob)
    expect([messages(ada), messages(bob)]).to eq([[['Ada', 'anybody?']], [['Bob', 'back in the lobby']]])
  end

  it 'says why when a name will not do, and takes another one' do
    page = Chromium.instance.page(common_chat.address)
    (@pages = []) << page
    page.type('#name', '<b>').press_enter
    page.see('This name will not do.', within: '#door')
    page.evaluate("document.querySelector('#name').value = ''")
    page.type('#name', 'Ada').press_enter
    online(page).wait("document.querySelector('#people .self').innerText.includes('Ada')")
  end

  it 'comes back when the server was started again, with what was said meanwhile' do
    bind = "http://127.0.0.1:#{quiet_port}"
    server = chat(bind: bind)
    ada, bob = open_chat(bind, 'Ada'), open_chat(bind, 'Bob')
    say(ada, 'before')
    read('before', ada, bob)
    expect(server.stop.exitstatus).to eq(0)
    [ada, bob].each { |page| page.wait("document.body.dataset.state !== 'open'") }
    say(bob, 'while nobody listened')
    bob.wait("document.querySelector('.pending')")
    chat(bind: bind)
    [ada, bob].each { |page| online(page) }
    read('while nobody listened', ada, bob)
    say(ada, 'after')
    read('after', ada, bob)
    expect(messages(bob).map(&:last)).to eq(['before', 'while nobody listened', 'after'])
    # That nobody answered is what they may complain of, and nothing else.
    expect([ada, bob].flat_map(&:errors)).to all(match(/WebSocket connection to .* failed/))
    [ada, bob].each { |page| @pages.delete(page).close }
  end

  it 'fits on a phone: rooms and people slide in' do
    page = open_chat(common_chat.address, 'Ada', size: [360, 640], mobile: true, scale: 2)
    say(page, 'a long line that has to go on several lines of a small screen, and averylongwordthatisnonebutmustbebroken' * 2)
    page.wait("document.querySelector('.message:not(.pending)')")
    expect(page.evaluate('document.documentElement.scrollWidth <= innerWidth && document.querySelector("#log").scrollWidth <= innerWidth')).to be(true)
    expect(page.evaluate('getComputedStyle(document.querySelector("#side")).visibility')).to eq('hidden')
    page.click('#menu')
    page.wait("document.querySelector('#side').getBoundingClientRect().x === 0")
    page.evaluate("document.querySelector('#rooms a[href=\"#tea\"]').click()")
    page.see('tea', within: '#title').wait("document.querySelector('#side').getBoundingClientRect().right <= 0")
  end

  it 'can be used by keyboard and by ear' do
    page = open_chat(common_chat.address, 'Ada')
    unnamed = page.evaluate(<<~JS)
      [...document.querySelectorAll('button, input, textarea, a')]
        .filter((item) => !item.ariaLabel && !item.innerText.trim() && !item.labels?.length).map((item) => item.outerHTML)
    JS
    expect(unnamed).to eq([])
    expect(page.evaluate("document.querySelector('#log').ariaLive")).to eq('polite')
    page.wait("document.activeElement.id === 'text'")
  end

  if ENV['REDIS_URL']
    it 'is one chat in two processes that share a Redis' do
      one, two = Array.new(2) { chat(redis: ENV.fetch('REDIS_URL')) }
      ada, bob = open_chat(one.address, 'Ada'), open_chat(two.address, 'Bob')
      [ada, bob].each { |page| page.wait("document.querySelectorAll('#people li').length === 2") }
      say(ada, 'hello over there')
      read('hello over there', ada, bob)
      note_typists(ada)
      bob.type('#text', 'hello')
      see_typing(ada, 'Bob')
      bob.press_enter
      read('hello', ada, bob)
      expect(messages(ada)).to eq(messages(bob))
      late = open_chat(two.address, 'Carl')
      read('hello', late)
      one.stop
      bob.wait("!document.querySelector('#people').innerText.includes('Ada')")
      @pages.delete(ada).close # which goes on trying, and complains
    end
  end
end
