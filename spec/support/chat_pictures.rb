# frozen_string_literal: true

require 'json'
require_relative 'chromium'

# Pictures of the chat for docs/images: three people in a room, on a desktop and on a phone.
class ChatPictures
  # Who says what: the last one's page is the picture of a phone, the first one's of a desktop.
  TALK = [
    ['Ada', 'What is a room in here?'],
    ['Grace', 'A fiber. It takes one message after the other, so nobody needs a lock.'],
    ['Ada', 'And if it fails?'],
    ['Linus', 'It begins again, and our browsers come back to it.'],
    ['Linus', 'I have tried: nothing was lost.'],
    ['Ada', "Nice.\nWhere is the code?"],
    ['Linus', 'In examples/chat, and it is short. Begin with app.rb!'],
    ['Grace', 'With Redis several processes are one chat, too.']
  ].freeze

  # @param address [String] of the chat
  # @param folder [String] where they are written
  def initialize(address, folder, browser: Chromium.instance)
    @address = address
    @folder = folder
    @browser = browser
  end

  def take(dark: false)
    pages = { 'Ada' => open('Ada', dark: dark, size: [1180, 780]), 'Grace' => open('Grace'),
              'Linus' => open('Linus', size: [390, 780], mobile: true, scale: 2, dark: dark) }
    talk(pages)
    pages['Grace'].type('#text', 'I think')
    %w[Ada Linus].each { |name| pages[name].see('Grace is typing') }
    suffix = dark ? '-dark' : ''
    pages['Ada'].screenshot(File.join(@folder, "chat-desktop#{suffix}.png"))
    pages['Linus'].screenshot(File.join(@folder, "chat-phone#{suffix}.png"))
    pages.each_value(&:close)
  end

  private

  def open(name, **options)
    page = @browser.page("#{@address}/#ruby", **options)
    page.type('#name', name).press_enter
    page.wait("document.body.dataset.state === 'open'")
  end

  def talk(pages)
    pages.each_value { |page| page.wait("document.querySelectorAll('#people li').length === #{pages.size}") }
    TALK.each do |name, text|
      pages[name].type('#text', text).press_enter
      pages.each_value { |page| page.see(text.lines.last) }
    end
  end
end

if $PROGRAM_NAME == __FILE__
  reader, writer = IO.pipe
  app = File.expand_path('../../examples/chat/app.rb', __dir__)
  folders = $LOAD_PATH.first(2).flat_map { |folder| ['-I', File.expand_path(folder)] }
  polyphony = File.expand_path('../../exe/polyphony', __dir__)
  pid = Process.spawn({ 'REDIS_URL' => nil }, Gem.ruby, *folders, polyphony, 'serve', '-b', 'http://127.0.0.1:0', app, err: writer)
  begin
    address = reader.gets[%r{listening on (\S+)}, 1]
    ChatPictures.new(address, ARGV.fetch(0)).take
  ensure
    Chromium.close
    Process.kill(:TERM, pid)
    Process.wait(pid)
  end
end
