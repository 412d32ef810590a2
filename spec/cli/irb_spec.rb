# frozen_string_literal: true

require_relative '../support/script'

RSpec.describe 'polyphony irb' do
  # The user at a terminal. Unlike Support::RunPty's it answers what Reline asks the terminal: where its
  # cursor is.
  class IrbTerminal
    LIMIT = 40
    CURSOR_WHERE = "\e[6n"
    CURSOR_HERE = "\e[1;1R"

    def initialize(*command)
      env = { 'HOME' => '/nonexistent', 'TERM' => 'xterm', 'XDG_CONFIG_HOME' => nil, 'IRBRC' => '/dev/null' }
      @reader, @writer, @pid = PTY.spawn(env, RbConfig.ruby, *Support::RunRuby::LOAD_PATH, *command)
      @deadline = now + LIMIT
      @text = +''
      @all = +''
    end

    attr_reader :all

    # Types code and returns what it gives, inspected. The marks are not in what is typed, which is echoed.
    def eval(code)
      type("puts '<' + '<' + (#{code}).inspect + '>' + '>'")
      wait_for(/<<(.*?)>>/m)[1].delete("\r\n")
    end

    def type(line)
      @writer.write("#{line}\n")
    end

    # Presses Ctrl-C and shows that the prompt is back.
    def interrupt
      @writer.write("\C-c")
      wait_for(/irb.*>/)
      self.eval('1 + 1')
    end

    # Waits for +pattern+ in what has come since the last match.
    def wait_for(pattern)
      until (match = pattern.match(@text))
        read_some or raise "the console ended without #{pattern.inspect}: #{@all}"
      end
      @text = match.post_match
      match
    end

    # @return [Process::Status]
    def finish
      nil while read_some
      Process.wait2(@pid).last.tap { @pid = nil }
    end

    def close
      Process.kill(:KILL, @pid) && Process.wait(@pid) if @pid
      [@reader, @writer].each(&:close)
    end

    private

    def read_some
      @reader.wait_readable([@deadline - now, 0].max) or raise "nothing came in time: #{@all}"
      text = @reader.readpartial(65_536)
      @writer.write(CURSOR_HERE) if text.include?(CURSOR_WHERE)
      @all << text
      @text << text
    rescue Errno::EIO
      nil
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end

  let(:polyphony) { File.join(ROOT, 'exe', 'polyphony') }
  let(:console) { IrbTerminal.new(polyphony, 'irb', '-f', '--nocolorize') }

  after { console.close }

  it 'has the verbs, and top level as irb has it' do
    console.wait_for(/irb.*>/)
    expect(console.eval('[self, __FILE__, $0, Fiber.current.blocking?]')).to eq('[main, "(irb)", "irb", false]')
    expect(console.eval('spin { sleep 0.01; 42 }.await')).to eq('42')
    console.type('exit')
    expect(console.finish).to be_success
  end

  it 'lets fibers run while the prompt waits' do
    console.wait_for(/irb.*>/)
    console.type('spin { 3.times { |i| sleep 0.05; puts "tick" + i.to_s } }')
    expect(console.wait_for(/tick2/)).to be_a(MatchData) # nothing is typed meanwhile
    console.type('exit')
    expect(console.finish).to be_success
  end

  it 'prints what a fiber fails with, and prompts again' do
    console.wait_for(/irb.*>/)
    console.type("x = spin { sleep 0.1; raise 'oo' + 'ps' }")
    message = console.wait_for(/A fiber has failed:.*?oops.*?irb[^\n]*>/m)[0]
    expect(message).to include('spun at (irb):1')
    expect(message).not_to include(ROOT)
    expect(console.eval('1 + 1')).to eq('2')
    console.type('exit')
    expect(console.finish).to be_success
  end

  it 'ends what the prompt runs on Ctrl-C, and no fiber' do
    console.wait_for(/irb.*>/)
    console.eval('$ticks = 0; spin { loop { sleep 0.001; $ticks += 1 } }; 0')
    3.times do
      console.type("puts 'wait' + 'ing'; sleep")
      console.wait_for(/waiting/)
      expect(console.interrupt).to eq('2')
    end
    ticks = Integer(console.eval('$ticks'))
    expect(Integer(console.eval('sleep 0.1; $ticks'))).to be > ticks
    console.type('exit')
    expect(console.finish).to be_success
  end

  it 'stops the fibers at the end' do
    console.wait_for(/irb.*>/)
    console.type("spin { begin; sleep; ensure; puts 'stop' + 'ped'; end }")
    expect(console.eval('Polyphony.current.children.size')).to eq('1')
    console.type('exit')
    console.wait_for(/stopped/)
    expect(console.finish).to be_success
  end
end
