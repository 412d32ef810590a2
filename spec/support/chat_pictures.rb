# frozen_string_literal: true

require 'json'
require_relative 'chromium'

# Pictures of the chat for docs/images: three people in a room, on a desktop and on a phone.
class ChatPictures
  # Who says what: the last one's page is the picture of a phone, the first one's of a desktop.
  TALK = [
    ['Ada', 'Has anybody tried this with a thousand rooms?'],
    ['Grace', 'Yes. A room is a fiber, so that is a thousand fibers, and they mostly wait.'],
    ['Grace', 'About as much memory as one photograph of this room.'],
    ['Ada', "And if one of them fails?"],
    ['Linus', 'It begins again, and our browsers come back to it. I have tried: nothing was lost.'],
    ['Ada', "Nice.\nWhere is the code?"],
    ['Linus', 'In examples/chat, and it is short. Begin with app.rb!'],
    ['Grace', 'Two processes behind one Redis work as well: I am on the other one.']
  ].freeze

  # @param address [String] of the chat
  # @param folder [String] where they are written
  def initialize(address, folder, browser: Chromium.instance)
    @address = address
    @folder = folder
    @browser = browser
  end

  def take(dark: false)
    pages = { 'Ada' => open('Ada', dark: dark, size: [1180, 760]), 'Grace' => open('Grace'),
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
