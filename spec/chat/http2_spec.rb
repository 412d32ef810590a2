# frozen_string_literal: true

require_relative '../support/chat_server'
require_relative '../support/chromium'
require_relative '../support/http_certificates'

# Chromium speaks HTTP/2 with us: pages, uploads, streams, events and WebSockets, all on one connection.
RSpec.describe 'HTTP/2 in a browser', timeout: 300 do
  app = <<~'RUBY'
    GO = Polyphony::Event.new
    proc do |request|
      case request.path
      when '/' then request.respond('<!doctype html><link rel="icon" href="data:,"><title>a page</title>', { 'content-type' => 'text/html' })
      when '/protocol' then request.respond(request.protocol)
      when '/echo' then request.respond(request.read.reverse)
      when '/count' then request.respond(request.body.each.sum(&:bytesize).to_s)
      when '/big' then request.respond('x' * 3_000_000)
      when '/go' then GO.set and request.respond('gone')
      when '/stream'
        request << 'first '
        GO.wait
        request << 'second'
      when '/events'
        last = Integer(request['last-event-id'] || 0)
        request.sse(retry: 10) { |s| (last + 1).upto(last + 2) { |n| s.send("event #{n}", id: n.to_s) } }
      when '/socket' then request.websocket { |ws| ws << request.protocol and ws.each { |message| ws << message } }
      else request.respond('nothing here', status: 404)
      end
    end
  RUBY

  def secure(folder)
    paths = HttpCertificates.certificate('localhost').save(folder, 'localhost')
    ['--cert', paths[:cert], '--key', paths[:key]]
  end

  def new_page(address) = Chromium.instance.page(address.sub('127.0.0.1', 'localhost'))

  # @return [Array<String>] how the page and what it has loaded came
  def protocols(page)
    page.evaluate("[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].map((entry) => entry.nextHopProtocol)").uniq
  end

  after { |example| expect(@pages.flat_map(&:errors)).to eq([]) unless example.exception }

  context 'with a handler of its own' do
    attr_reader :page

    before(:context) do
      server = ChatServer.shared(:web) do |folder|
        File.write(file = File.join(folder, 'web.rb'), app)
        ['-b', 'https://127.0.0.1:0', *secure(folder), file]
      end
      @page = new_page(server.address)
    end

    before { (@pages = []) << page }

    after(:context) { @page&.close }

    it 'carries many requests at once, large answers, and uploads' do
      expect(page.evaluate("fetch('/protocol').then((answer) => answer.text())")).to eq('HTTP/2')
      expect(page.evaluate("fetch('/echo', { method: 'POST', body: 'abc' }).then((answer) => answer.text())")).to eq('cba')
      expect(page.evaluate("Promise.all(Array.from({ length: 100 }, (_, n) => fetch('/protocol?' + n))).then((all) => all.filter((one) => one.ok).length)")).to eq(100)
      expect(page.evaluate("fetch('/big').then((answer) => answer.text()).then((text) => text.length)")).to eq(3_000_000)
      expect(page.evaluate("fetch('/count', { method: 'POST', body: new Uint8Array(2_000_000) }).then((answer) => answer.text())")).to eq('2000000')
      expect(protocols(page)).to eq(['h2'])
    end

    it 'takes a body that is sent in pieces' do
      expect(page.evaluate(<<~JS)).to eq('300000')
        (async () => {
          let left = 3
          const body = new ReadableStream({ pull(controller) { left-- ? controller.enqueue(new Uint8Array(100_000)) : controller.close() } })
          return (await fetch('/count', { method: 'POST', body, duplex: 'half' })).text()
        })()
      JS
    end

    it 'sends an answer in pieces, while another is asked for' do
      expect(page.evaluate(<<~JS)).to eq('first , gone, second')
        (async () => {
          const reader = (await fetch('/stream')).body.getReader()
          const piece = async () => new TextDecoder().decode((await reader.read()).value)
          return [await piece(), await (await fetch('/go')).text(), await piece()].join(', ')
        })()
      JS
      expect(protocols(page)).to eq(['h2'])
    end

    it 'sends events, and goes on where the browser was' do
      expect(page.evaluate(<<~JS)).to eq(['event 1', 'event 2', 'event 3', 'event 4'])
        new Promise((resolve) => {
          const seen = [], events = new EventSource('/events')
          events.onmessage = ({ data }) => { if (seen.push(data) === 4) { events.close(); resolve(seen) } }
        })
      JS
    end

    it 'opens WebSockets within the connection' do
      expect(page.evaluate(<<~JS)).to eq(['HTTP/2', 'hello', 70_000, 1000])
        new Promise((resolve) => {
          const seen = [], socket = new WebSocket('wss://' + location.host + '/socket')
          socket.onopen = () => { socket.send('hello'); socket.send('x'.repeat(70_000)) }
          socket.onmessage = ({ data }) => { if (seen.push(data.length > 1000 ? data.length : data) === 3) socket.close(1000) }
          socket.onclose = ({ code }) => resolve([...seen, code])
          socket.onerror = () => resolve(['failed', ...seen])
        })
      JS
    end
  end

  it 'carries the chat' do
    address = chat(*secure(operation_folder), bind: 'https://127.0.0.1:0').address
    ada, bob = @pages = %w[Ada Bob].map do |name|
      new_page(address).tap { |page| page.type('#name', name).press_enter.wait("document.body.dataset.state === 'open'") }
    end
    ada.type('#text', 'hello over HTTP/2').press_enter
    bob.see('hello over HTTP/2')
    expect([ada, bob].map { |page| protocols(page) }).to eq([['h2']] * 2)
  ensure
    @pages&.each(&:close)
  end
end
