# frozen_string_literal: true

require 'fileutils'
require 'io/nonblock'
require 'json'
require 'tmpdir'

# A browser for specs: Debian's `chromium`, without a window, driven by its DevTools protocol through two pipes,
# so that there is no port. One process serves the whole run; each page of {Chromium#page} has cookies, storage
# and connections of its own, as if it were another person's browser.
class Chromium
  # Seconds in which anything must happen, on a slow and busy machine.
  PATIENCE = Float(ENV.fetch('POLYPHONY_BROWSER_PATIENCE', 60))

  FLAGS = %w[--headless=new --in-process-gpu --disable-software-rasterizer --no-sandbox --disable-dev-shm-usage --disable-gpu --no-first-run --no-default-browser-check
             --disable-background-networking --disable-component-update --disable-default-apps --disable-extensions
             --disable-sync --disable-breakpad --disable-background-timer-throttling --disable-renderer-backgrounding
             --disable-backgrounding-occluded-windows --metrics-recording-only --mute-audio --hide-scrollbars
             --no-proxy-server --ignore-certificate-errors --remote-debugging-pipe].freeze

  # The browser has not done in time what it should, or has ended.
  class Error < StandardError; end

  class << self
    # @return [Chromium] the one of this process, started when it is first asked for
    def instance = @instance ||= new

    def close
      @instance&.close
    ensure
      @instance = nil
    end
  end

  def initialize
    @folder = Dir.mktmpdir('chromium')
    commands, @commands = IO.pipe
    @answers, answers = IO.pipe
    [commands, answers].each { |pipe| pipe.nonblock = false } # the browser takes EAGAIN for the end
    @log = File.join(@folder, 'log')
    @pid = Process.spawn({ 'HOME' => @folder }, 'chromium', *FLAGS, "--user-data-dir=#{@folder}/profile", 'about:blank',
                         3 => commands, 4 => answers, in: File::NULL, %i[out err] => @log, pgroup: true)
    [commands, answers].each(&:close)
    @waiter = Process.detach(@pid)
    @lock = Mutex.new
    @waiting = {}
    @pages = {}
    @count = 0
    @reader = Thread.new { read }
  end

  # @param size [Array(Integer, Integer)] in CSS pixels
  # @param scale [Numeric] pixels for one of them
  # @return [Page] at +url+, loaded
  def page(url, size: [1200, 800], scale: 1, mobile: false, dark: false)
    context = command('Target.createBrowserContext').fetch('browserContextId')
    target = command('Target.createTarget', url: 'about:blank', browserContextId: context).fetch('targetId')
    session = command('Target.attachToTarget', targetId: target, flatten: true).fetch('sessionId')
    page = @pages[session] = Page.new(self, session, target)
    page.prepare(size, scale, mobile, dark)
    page.goto(url)
  end

  # @return [Hash] the result of a command of the protocol
  def command(method, session = nil, **params)
    answer = Queue.new
    id = @lock.synchronize do
      @waiting[@count += 1] = answer
      @commands.write(JSON.generate({ id: @count, method: method, params: params, sessionId: session }.compact), "\0")
      @count
    end
    reply = within("an answer to #{method}") { answer.pop unless answer.empty? }
    raise Error, "#{method}: #{reply['error']['message']}" if reply['error']

    reply.fetch('result')
  ensure
    @lock.synchronize { @waiting.delete(id) }
  end

  # Looks until the block gives something.
  def within(what, patience = PATIENCE)
    deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + patience
    until (value = yield)
      raise Error, "the browser has ended:\n#{log}" unless @waiter.alive?
      raise Error, "not within #{patience} s: #{what}" if Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline

      sleep 0.02
    end
    value
  end

  def forget(page) = @pages.delete(page.session)

  # @return [String] the end of what it has written
  def log = File.read(@log).lines.last(20).join

  def close
    Process.kill(:KILL, -@pid)
  rescue Errno::ESRCH, Errno::EPERM
    nil
  ensure
    @waiter.join
    @reader.kill.join
    [@commands, @answers].each(&:close)
    FileUtils.rm_rf(@folder)
  end

  private

  def read
    while (text = @answers.gets("\0", chomp: true))
      message = JSON.parse(text)
      if message['id'] then @lock.synchronize { @waiting[message['id']] }&.push(message)
      else @pages[message['sessionId']]&.event(message['method'], message['params'])
      end
    end
  rescue IOError
    nil
  end
end

require_relative 'chromium_page'

RSpec.configure { |config| config.after(:suite) { Chromium.close } } if defined?(RSpec)
