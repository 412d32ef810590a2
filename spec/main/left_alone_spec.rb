# frozen_string_literal: true

require_relative '../support/script'

RSpec.describe 'A main script that is not adopted' do
  include Support::Script

  STATE = "p [Fiber.current.blocking?, Polyphony::Main.adopted?, Polyphony::Main.declined]\n"
  NOT_MAIN = 'it is not a top-level statement of the main script that requires polyphony'

  def left_alone(files, command, **options)
    result = run_in_folder(files, command, **options)
    expect(result.stdout).to end_with("[true, false, #{NOT_MAIN.inspect}]\n")
    expect(result.stderr).to eq('')
    expect(result.status).to eq(0)
  end

  it 'has a library require Polyphony' do
    left_alone({ 'script.rb' => "require './library'\n#{STATE}", 'library.rb' => "require 'polyphony'\n" }, ['script.rb'])
  end

  it 'has a library on the line of its own require' do
    left_alone({ 'script.rb' => "require './library'; require 'polyphony'\n#{STATE}",
                 'library.rb' => "require 'polyphony'\n" }, ['script.rb'])
  end

  it 'loads or evaluates the file that requires it' do
    left_alone({ 'script.rb' => "load './other.rb'\n#{STATE}", 'other.rb' => "require 'polyphony'\n" }, ['script.rb'])
    left_alone({ 'script.rb' => "eval(\"require 'polyphony'\", TOPLEVEL_BINDING, __FILE__, 2)\n# require 'polyphony'\n#{STATE}" },
               ['script.rb'])
  end

  it 'is given by -r' do
    left_alone({ 'script.rb' => "require 'polyphony'\n#{STATE}" }, ['-rpolyphony', 'script.rb'])
  end

  it 'is -e, or standard input' do
    left_alone({}, ['-e', "require 'polyphony'\n#{STATE}"])
    left_alone({}, ['-'], stdin: "require 'polyphony'\n#{STATE}")
  end

  it 'is a pipe, which cannot be read again' do
    skip 'no mkfifo here' unless system('which mkfifo', out: File::NULL)
    script = "require 'polyphony'\n#{STATE}"
    left_alone({ 'text' => script }, ['pipe'], setup: lambda { |dir|
      system('mkfifo', "#{dir}/pipe", exception: true)
      Process.detach(spawn("cat #{dir}/text > #{dir}/pipe"))
    })
  end

  it 'requires it within something else' do
    ["if true\n  require 'polyphony'\nend\n", "begin; require 'polyphony'; end\n", "require 'polyphony' unless nil\n",
     "def m = require 'polyphony'\nm\n", "p(require('polyphony'))\n", "BEGIN { require 'polyphony' }\n",
     "%w[polyphony].each { |x| require x }\n", "require(\n  'polyphony'\n)\n", "0.tap do; require 'polyphony'; end\n",
     "require 'polyphony'\\\n  .to_s\n", "true and\n  require 'polyphony'\n",
     "require 'polyphony' and true\n", "$x =\n  require 'polyphony'\n", "class A; require 'polyphony'; end\n"].each do |code|
      left_alone({ 'script.rb' => code + STATE }, ['script.rb'])
    end
  end

  it 'has a scheduler' do
    code = "require 'polyphony/scheduler'\nFiber.set_scheduler(Polyphony::Scheduler.new)\nFiber.schedule { load './other.rb' }\n"
    files = { 'script.rb' => code, 'other.rb' => "$0 = './other.rb'\nrequire 'polyphony'\np Polyphony::Main.declined\n" }
    expect(run_in_folder(files, ['script.rb']).stdout).to eq("\"a fiber scheduler is already running\"\n")
  end

  it 'says so in POLYPHONY_MAIN' do
    %w[0 false no off].each do |value|
      result = run_in_folder({ 'script.rb' => "require 'polyphony'\n#{STATE}" }, ['script.rb'], env: { 'POLYPHONY_MAIN' => value })
      expect(result.to_h).to eq(stdout: "[true, false, \"POLYPHONY_MAIN turns it off\"]\n", stderr: '', status: 0)
    end
  end

  it 'requires polyphony/core only' do
    result = run_in_folder({ 'script.rb' => "require 'polyphony/core'\np Fiber.current.blocking?, defined?(Polyphony::Main)\n" },
                           ['script.rb'])
    expect(result.to_h).to eq(stdout: "true\nnil\n", stderr: '', status: 0)
  end

  # What cannot be kept is said, with what to do.
  {
    'a block shares a variable, where `return` forbids eval' =>
      ["n = 0\nadd = -> { n += 1 }\nrequire 'polyphony'\nreturn if n > 5\nadd.()\np n\n", 'n', "1\n"],
    'a refinement of a module without a name' =>
      ["using(Module.new { refine(Integer) { def dbl = self * 2 } })\nrequire 'polyphony'\np 4.dbl\n", 'using(', "8\n"],
    '`public` for what follows' =>
      ["public\nrequire 'polyphony'\ndef shown; end\np Object.public_method_defined?(:shown)\n", 'public', "true\n"]
  }.each do |name, (code, word, output)|
    it "warns that it is not adopted: #{name}" do
      result = run_in_folder({ 'script.rb' => code }, ['script.rb'])
      expect(result.stdout).to eq(output)
      expect(result.stderr).to start_with('polyphony: the main script is not run under the scheduler').and include(word)
      expect(result.stderr).to include('move the `require` up', 'polyphony script.rb', 'Polyphony.run', 'POLYPHONY_MAIN=0')
      expect(result.status).to eq(0)
    end
  end
end

RSpec.describe 'Programs that are not scripts' do
  include Support::Script

  STATE_OF_MAIN = 'puts "adopted: #{Polyphony::Main.adopted?}, blocking: #{Fiber.current.blocking?}"'

  def not_adopted(files, command, **options)
    result = run_in_folder(files, command, **options)
    expect(result.stdout).to include('adopted: false, blocking: true'), result.to_h.inspect
    result
  end

  def program(gem, executable)
    ['-S', Gem.bin_path(gem, executable)]
  rescue Gem::Exception
    skip "#{gem} is not installed"
  end

  it 'leaves rspec alone' do
    files = { 'spec/a_spec.rb' => "require 'polyphony'\nRSpec.describe('x') { it('y') { #{STATE_OF_MAIN} } }\n" }
    result = not_adopted(files, [*program('rspec-core', 'rspec'), 'spec/a_spec.rb'])
    expect(result.stdout).to include('1 example, 0 failures')
  end

  it 'leaves rake, and tests that rake runs, alone' do
    program('rake', 'rake')
    rakefile = <<~RUBY
      require 'polyphony'
      require 'rake/testtask'
      #{STATE_OF_MAIN}
      Rake::TestTask.new { |t| t.pattern = 'test/*_test.rb' }
    RUBY
    test = "require 'minitest/autorun'\nrequire 'polyphony'\nclass A < Minitest::Test; def test_a = assert_nil(#{STATE_OF_MAIN}); end\n"
    result = not_adopted({ 'Rakefile' => rakefile, 'test/a_test.rb' => test }, [*program('rake', 'rake'), 'test'],
                         env: { 'RUBYLIB' => $LOAD_PATH.grep(/\A#{ROOT}/).join(File::PATH_SEPARATOR) })
    expect(result.stdout).to include('1 runs, 1 assertions, 0 failures').and match(/adopted: false.*adopted: false/m)
  end

  it 'leaves irb alone' do
    result = not_adopted({}, [*program('irb', 'irb'), '-f', '--noprompt'], stdin: "require 'polyphony'\n#{STATE_OF_MAIN}\n",
                                                                          env: { 'HOME' => '/nonexistent' })
    expect(result.status).to eq(0)
  end

  it 'leaves rackup alone' do
    server = <<~RUBY
      module Rackup::Handler::Nothing
        def self.run(_app, **) = #{STATE_OF_MAIN}
      end
      Rackup::Handler.register(:nothing, Rackup::Handler::Nothing)
    RUBY
    config = "require 'polyphony'\nrequire 'rackup'\nrequire './server'\nrun ->(_) { [200, {}, []] }\n"
    not_adopted({ 'config.ru' => config, 'server.rb' => "require 'rackup'\n#{server}" },
                ['-r', './server', *program('rackup', 'rackup'), '-s', 'nothing', 'config.ru'])
  end
end
