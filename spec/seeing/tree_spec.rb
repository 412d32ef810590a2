# frozen_string_literal: true

require_relative '../support/fibers'

RSpec.describe 'Polyphony.tree', :fibers do
  # Lets all other fibers run until they wait.
  def settle
    Polyphony::Scheduler.wait_all_blocked
  end

  def tree(**options)
    Polyphony.tree(**options).lines.map(&:chomp)
  end

  def here(line)
    "#{__FILE__.delete_prefix("#{Dir.pwd}/")}:#{line}"
  end

  it 'is a line for each fiber: name, state, what it waits for, where it was spun; children below' do
    line = __LINE__ + 1
    outer = waiting(:outer) { spin(:inner) { receive }; suspend }
    wait_until { outer.children.first.state == :waiting }
    expect(tree).to include("    outer waiting on sleep  #{here(line)}", "      inner waiting on receive  #{here(line)}")
    expect(tree.first).to match(/\Amain waiting on await #<Polyphony::Fiber :main .*>  \(root\)\z/)
    expect(tree[1]).to match(/\A  main running  \S+:\d+\z/)
  end

  it 'has each live fiber once, and none that ended' do
    fibers = Array.new(3) { |i| spin("f#{i}") { receive } }
    settle
    fibers[1].stop
    expect(tree.join.scan(/f\d waiting/)).to eq(['f0 waiting', 'f2 waiting'])
    fibers.values_at(0, 2).each(&:stop)
    expect(tree.grep(/f\d/)).to eq([])
  end

  it 'has a fiber that has not started yet' do
    spin(:new) {}
    expect(tree).to include(a_string_starting_with('    new runnable  '))
    supervise
  end

  it 'names tags of any kind, and survives one whose inspect fails' do
    bad = Object.new
    def bad.inspect = raise('no')
    spin(bad) { suspend }
    spin(%w[a b]) { suspend }
    spin { suspend }
    settle
    expect(tree.join("\n")).to include('(RuntimeError of its tag) waiting', '["a", "b"] waiting', '(untagged) waiting')
  end

  it 'has fibers of Fiber.schedule at the top, with the line they have reached' do
    line = __LINE__ + 1
    Fiber.schedule { Queue.new.then { |queue| log << queue; queue.pop } }
    expect(tree).to include(a_string_matching(/\Ascheduled waiting on Thread::Queue 0x\h+  #{Regexp.escape(here(line))}\z/))
    log.first << 1
    settle
  end

  it 'has what a fiber of Fiber.schedule has spun below it' do
    queue = Queue.new
    Fiber.schedule { spin(:below) { receive }; queue.pop }
    wait_until { tree.any?(/below waiting/) }
    at = tree.index { |text| text.start_with?('scheduled') } || tree.index { |text| text.match?(/\A\S+ waiting on Thread::Queue/) }
    expect(tree[at + 1]).to start_with('  below waiting on receive')
    queue << 1
    wait_until { tree.none?(/below/) }
  end

  it 'shows a scope with its fibers below it' do
    line = __LINE__ + 2
    holder = waiting(:holder) do
      Polyphony.scope(:nursery) { |scope| scope.spin(:nursling) { receive } }
    end
    wait_until { tree.any?(/nursling waiting/) }
    at = tree.index { |text| text.start_with?('    holder') }
    expect(tree[at + 1]).to eq("      scope nursery  #{here(line)}")
    expect(tree[at + 2]).to start_with('        nursling waiting on receive')
    holder.stop
  end

  it 'says what else is to be known: time limits, messages, restarts, a stop under way' do
    fiber = spin(:noted) do
      move_on_after(1000) { receive { |message| message == :go } }
      suspend
    ensure
      move_on_after(5) { receive { |message| message == :end } } if log.any?
    end
    settle
    fiber << :a << :b
    settle
    expect(tree.grep(/\A +noted/)).to match([/noted waiting on receive, limit in (1000|999)\.\d s, 2 messages  /])
    fiber.restart
    wait_until { tree.grep(/noted waiting on receive.*restarted/).any? }
    expect(tree.grep(/\A +noted/)).to match([/noted waiting on receive, limit in \S+ s, restarted 1 time  /])
    log << :ending
    stopper = spin { fiber.stop }
    wait_until { tree.grep(/stopping/).any? && fiber.state == :waiting }
    expect(tree.grep(/\A +noted/)).to match([/noted waiting on receive, limit in \S+ s, stopping, restarted 1 time  /])
    fiber << :end
    stopper.await
  end

  describe 'of many fibers' do
    it 'shows the first of those that do the same, and counts the rest' do
      fibers = Array.new(1205) { |i| spin("w#{i}") { sleep 1000 + i } }
      fibers << spin(:odd) { receive }
      settle
      expect(tree.grep(/w\d+ waiting/).size).to eq(5)
      expect(tree).to include('    … 1,200 more like this')
      expect(tree.grep(/odd waiting on receive/).size).to eq(1)
      fibers.each(&:stop)
    end

    it 'shows as many as it is told, or all' do
      fibers = Array.new(7) { spin { receive } }
      settle
      expect([tree(fold: 2), tree(fold: nil)].map { |lines| lines.grep(/waiting on receive/).size }).to eq([2, 7])
      expect([2, 6, 7].map { |fold| tree(fold: fold).grep(/more like/) }).to eq([['    … 5 more like this'], ['    … 1 more like this'], []])
      fibers.each(&:stop)
    end

    it 'does not count one with other children among those that do the same' do
      parents = Array.new(8) { |i| spin { spin { i == 6 ? suspend : receive }; suspend } }
      wait_until { parents.all? { |one| one.children.first&.state == :waiting } }
      text = tree(fold: 3)
      expect(text).to include('    … 4 more like this')
      expect(text.grep(/\A      \S+ waiting on sleep/).size).to eq(1)
      parents.each(&:stop)
    end

    it 'does not fold those that wait for something else, were spun elsewhere, or are being stopped' do
      fibers = Array.new(3) { spin { receive } } + Array.new(3) { spin { suspend } }
      settle
      expect(tree(fold: 3).grep(/more like/)).to eq([])
      fibers.each(&:stop)
      fibers = Array.new(3) { spin { begin; receive; ensure; receive; end } }
      settle
      stopper = spin { fibers.first.stop }
      wait_until { tree.grep(/stopping/).any? && fibers.first.state == :waiting }
      expect(tree(fold: 2).grep(/more like/)).to eq([])
      2.times { fibers.each { |fiber| fiber << 1 } }
      stopper.await
    end

    it 'is no deeper than a line for a chain longer than a stack' do
      leaf = nil
      descend = ->(left) { spin { left.zero? ? (leaf = Polyphony.current; suspend) : (descend.(left - 1); suspend) } }
      top = descend.(3000)
      wait_until { leaf }
      expect(tree.size).to be > 3000
      expect(tree(width: 40).last[/\A */].size).to be <= 15
      top.stop
    end
  end

  describe 'on a narrow terminal' do
    it 'breaks lines between words, and keeps all of them' do
      fiber = waiting('a long name of a fiber') { spin { suspend }.await }
      lines = tree(width: 44)
      expect(lines.reject { |line| line.size <= 44 || !line.strip.include?(' ') }).to eq([])
      expect(lines.join(' ').squeeze(' ')).to include(tree.grep(/a long/).first.strip.squeeze(' '))
      fiber.stop
    end
  end

  describe 'of all threads' do
    it 'has the fibers of each, below a line with its name' do
      queue = Queue.new
      thread = Polyphony::Thread.new(name: 'other') { Polyphony.spin(:far) { Polyphony.receive }; Polyphony::Scheduler.wait_all_blocked; queue << 1; Polyphony.suspend }
      queue.pop
      lines = tree(all_threads: true)
      expect(lines.first).to eq('thread main')
      at = lines.index('thread other')
      expect(lines[at + 1]).to end_with('(root)')
      expect(lines.drop(at).grep(/far waiting on receive/).size).to eq(1)
      expect(tree.grep(/far/)).to eq([])
    ensure
      thread&.stop
    end

    it 'passes over a scheduler that could not be opened' do
      unopened = Polyphony::Scheduler.allocate
      expect(tree(all_threads: true).first).to eq('thread main')
      expect(unopened).to be_closed
    end

    it 'has no threads that have ended, and no scheduler that is closed' do
      thread = Polyphony::Thread.new(name: 'gone') { Polyphony.spin(:gone) {} }
      thread.join
      expect(tree(all_threads: true).grep(/gone/)).to eq([])
    end

    it 'can be asked for by a thread without fibers, about one that computes' do
      queue = Queue.new
      done = false
      busy = Polyphony::Thread.new(name: 'busy') { Polyphony.spin(:busy) { queue << 1; nil until done }.await }
      queue.pop
      text = Thread.new { [Polyphony.tree, Polyphony.tree(all_threads: true)] }.value
      expect(text.first).to eq('')
      expect(text.last).to match(/busy running/)
    ensure
      done = true
      busy&.join
    end
  end

  it 'of all threads begins with the one that asks' do
    text = Polyphony::Thread.new(name: 'asker') { Polyphony.tree(all_threads: true) }.value
    expect(text.lines.grep(/^thread/).map(&:chomp)).to start_with('thread asker').and include('thread main')
  end

  it 'of all threads has none whose scheduler is closed, though it lives on' do
    queue = Queue.new
    done = Queue.new
    thread = Thread.new { Polyphony.run {}; queue << 1; done.pop }
    thread.name = 'later plain'
    queue.pop
    expect(tree(all_threads: true)).not_to include('thread later plain')
    done << 1
    thread.join
  end

  it 'says under which names a fiber is registered' do
    fiber = waiting(:named) { receive }
    Polyphony.register(:tree_spec, fiber)
    expect(tree).to include(a_string_starting_with('    named waiting on receive, as :tree_spec  '))
    fiber.stop
  end

  it 'installs no scheduler, and is empty where there is none' do
    expect(Thread.new { [Polyphony.tree, Fiber.scheduler] }.value).to eq(['', nil])
  end

  it 'refuses sizes that are none' do
    expect { Polyphony.tree(fold: 0) }.to raise_error(ArgumentError, /fold/)
    expect { Polyphony.tree(width: 'x') }.to raise_error(ArgumentError, /width/)
  end
end
