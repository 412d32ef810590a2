# frozen_string_literal: true

class Chromium
  # A tab, in a browser profile of its own.
  class Page
    # @return [String]
    attr_reader :session

    def initialize(browser, session, target)
      @browser = browser
      @session = session
      @target = target
      @errors = []
    end

    def prepare(size, scale, mobile, dark)
      %w[Page Runtime Log Network].each { |domain| command("#{domain}.enable") }
      command('Emulation.setDeviceMetricsOverride', width: size[0], height: size[1], deviceScaleFactor: scale, mobile: mobile)
      command('Emulation.setTouchEmulationEnabled', enabled: mobile)
      command('Emulation.setEmulatedMedia', features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }])
      command('Emulation.setFocusEmulationEnabled', enabled: true) # all pages are "in front"
    end

    # @return [self] when the page is there
    def goto(url)
      answer = command('Page.navigate', url: url)
      raise Error, "#{url}: #{answer['errorText']}" if answer['errorText']

      wait("document.readyState === 'complete' && location.href !== 'about:blank'")
    end

    # @return [self] when it is there again
    def reload
      evaluate('window.before = true')
      command('Page.reload')
      wait("!window.before && document.readyState === 'complete'")
    end

    # @param code [String] an expression of JavaScript; a promise is waited for
    # @return [Object] its value, as JSON has it
    def evaluate(code)
      answer = command('Runtime.evaluate', expression: code, awaitPromise: true, returnByValue: true, userGesture: true)
      failure = answer['exceptionDetails']
      raise Error, failure.dig('exception', 'description') || failure['text'] if failure

      answer['result']['value']
    end

    # @return [self] as soon as the expression is true
    def wait(code, patience: PATIENCE)
      last = nil
      @browser.within(code, patience) do
        evaluate(code)
      rescue Error => e # the page may be about to change
        last = e
        raise if e.message.start_with?('SyntaxError', 'ReferenceError')
      end
      self
    rescue Error => e
      raise Error, "#{e.message}#{" (#{last.message})" if last}\n#{errors.join("\n")}\nThe page says:\n#{text}"
    end

    # @return [self] as soon as the page shows that text
    def see(text, within: 'body')
      wait("document.querySelector(#{within.to_json}).innerText.includes(#{text.to_json})")
    end

    # @return [String] what there is to read
    def text
      evaluate('document.body.innerText')
    rescue Error => e
      "(#{e.message})"
    end

    # Types as with a keyboard.
    def type(selector, text)
      evaluate("document.querySelector(#{selector.to_json}).focus()")
      command('Input.insertText', text: text)
      self
    end

    def press_enter
      key = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13 }
      command('Input.dispatchKeyEvent', type: 'keyDown', text: "\r", **key)
      command('Input.dispatchKeyEvent', type: 'keyUp', **key)
      self
    end

    # Clicks in the middle of an element, which must be there to be clicked.
    def click(selector)
      x, y = evaluate(<<~JS)
        (() => { const box = document.querySelector(#{selector.to_json}).getBoundingClientRect()
                 return [box.x + box.width / 2, box.y + box.height / 2] })()
      JS
      %w[mousePressed mouseReleased].each do |type|
        command('Input.dispatchMouseEvent', type: type, x: x, y: y, button: 'left', clickCount: 1)
      end
      self
    end

    # Writes a picture of what is seen.
    def screenshot(path)
      File.binwrite(path, command('Page.captureScreenshot', format: 'png').fetch('data').unpack1('m'))
    end

    # @return [Array<String>] errors of scripts, of the console, of loading, and what a policy has refused
    def errors = @errors.dup

    def close
      @browser.command('Target.closeTarget', targetId: @target)
    ensure
      @browser.forget(self)
    end

    # Something has happened: called by the thread that reads.
    def event(name, params)
      case name
      when 'Runtime.exceptionThrown'
        details = params['exceptionDetails']
        @errors << (details.dig('exception', 'description') || details['text'])
      when 'Runtime.consoleAPICalled'
        @errors << params['args'].map { |arg| arg['value'] || arg['description'] }.join(' ') if %w[error warning assert].include?(params['type'])
      when 'Log.entryAdded'
        entry = params['entry']
        @errors << "#{entry['text']} #{entry['url']}" if %w[error warning].include?(entry['level'])
      end
    end

    private

    def command(name, **params) = @browser.command(name, @session, **params)
  end
end
