# frozen_string_literal: true

# Scripts of which the adopted run must look like the plain one. No script here may use Polyphony but
# by requiring it: the plain run has none.
module MainCases
  # left: the script is not adopted; differs: what is not the same, see adoption_differs_spec.rb.
  Case = Struct.new(:code, :left, :differs, :options)

  ALL = {} # rubocop:disable Style/MutableConstant -- filled below

  def self.add(name, code, left: false, differs: false, **options)
    ALL[name] = Case.new(code, left, differs, options)
  end

  add 'names of the file', <<~'RUBY'
    require 'polyphony'
    p __FILE__, $0, __FILE__ == $0, $PROGRAM_NAME, __dir__, __LINE__, __method__, self, ARGV, __ENCODING__
    location = caller_locations(0).first
    p location.path, location.absolute_path, location.lineno
  RUBY

  add 'a file in a folder, by its relative path', "require 'polyphony'\np __FILE__, __dir__\nrequire_relative '../other'\n",
      name: 'deep/script.rb', files: { 'other.rb' => 'p __FILE__' }

  add 'a file by its absolute path', "require 'polyphony'\np __FILE__, __dir__, $0\nputs caller_locations(0).first.path\n",
      command: ->(dir) { ["#{dir}/script.rb", 'x'] }

  add 'a file by a symbolic link', "require 'polyphony'\np __FILE__, __dir__, $0\nrequire_relative 'other'\n",
      name: 'deep/script.rb', files: { 'deep/other.rb' => 'p __FILE__' }, command: ['link.rb'],
      setup: ->(dir) { File.symlink("#{dir}/deep/script.rb", "#{dir}/link.rb") }

  add 'Dir.chdir above and below', <<~'RUBY', name: 'deep/script.rb', files: { 'deep/other.rb' => 'p __FILE__' }
    Dir.chdir('/')
    require 'polyphony'
    Dir.chdir('/tmp')
    p __FILE__, __dir__
    require_relative 'other'
  RUBY

  add 'arguments', "require 'polyphony'\np ARGV\nputs ARGF.read\n", command: ['script.rb', 'input.txt'],
                                                                     files: { 'input.txt' => "one\ntwo\n" }

  add 'DATA', <<~'RUBY'
    require 'polyphony'
    p DATA.pos, DATA.read, DATA.path
    DATA.rewind
    p DATA.readlines.size
    __END__
    require 'other'
    BEGIN { this is no code }
  RUBY

  add 'standard input', "require 'polyphony'\np gets, $stdin.read, gets\n", stdin: "first\nsecond\nthird\n"

  add 'magic comments', <<~'RUBY'
    #!/usr/bin/env ruby -w
    # A script of mine.
    # frozen_string_literal: true

    require 'polyphony'
    p 'literal'.frozen?
  RUBY

  add 'magic comments too late to count', <<~'RUBY'
    require 'set'
    # frozen_string_literal: true
    require 'polyphony'
    p 'literal'.frozen?
    # frozen_string_literal: true
    p 'literal'.frozen?
  RUBY

  add 'a magic comment behind =begin and =end', <<~'RUBY'
    =begin
    puts 'no code'
    =end
    # frozen_string_literal: true
    require 'polyphony'
    p 'literal'.frozen?, __LINE__
  RUBY

  add 'a magic comment that is quoted', <<~'RUBY'
    =begin
    # frozen_string_literal: true
    =end
    require 'polyphony'
    p 'literal'.frozen?, __LINE__
  RUBY

  add 'a variable above, and a magic comment behind a blank line', <<~'RUBY'
    #!/usr/bin/ruby

    # frozen_string_literal: true
    x = 1; require 'polyphony'
    p 'literal'.frozen?, __LINE__, x
  RUBY

  add 'constants made shareable', <<~'RUBY'
    ONE = ['a']
    # shareable_constant_value: literal
    require 'polyphony'
    TWO = ['b']
    p ONE.frozen?, TWO.frozen?, Ractor.shareable?(TWO)
  RUBY

  add 'another encoding', "# encoding: euc-jp\nrequire 'polyphony'\np __ENCODING__, '\xA4\xA2'.encoding, '\xA4\xA2'.bytes\n".b
  add 'a byte order mark and CR LF', "\xEF\xBB\xBF# frozen_string_literal: true\r\nrequire 'polyphony'\r\np 'é'.frozen?, __LINE__\r\n"
  add 'UTF-8', "x = 'ä'; require 'polyphony'; übung = x * 2\np übung, x, __ENCODING__\n"
  add 'the locale does not name the encoding', "require 'polyphony'\np 'é'.encoding, 'é'.length\n", env: { 'LC_ALL' => 'C' }

  add 'local variables from above', <<~'RUBY'
    one = 1
    two = 'b'
    list = []
    nothing = nil if false
    require 'polyphony'
    list << one << two
    one += 1
    p one, two, list, nothing, defined?(one), defined?(nope)
    p binding.local_variables.sort, binding.local_variable_get(:one)
  RUBY

  add 'variables that come later are methods until then', <<~'RUBY'
    def port = 80
    require 'polyphony'
    p [port], defined?(port)
    p -1
    port = 81
    p port
  RUBY

  add 'a closure above and the code below share a variable', <<~'RUBY'
    count = 0
    increment = -> { count += 1 }
    require 'polyphony'
    increment.call
    count += 10
    increment.call
    p count
  RUBY

  add 'a variable set by an option parser above', <<~'RUBY', command: ['script.rb', '-v']
    require 'optparse'
    verbose = false
    options = {}
    OptionParser.new { |o| o.on('-v') { verbose = options[:v] = true } }.parse!
    require 'polyphony'
    p verbose, options
  RUBY

  add 'TOPLEVEL_BINDING', <<~'RUBY'
    a = 1
    require 'polyphony'
    b = 2
    p TOPLEVEL_BINDING.local_variables, TOPLEVEL_BINDING.local_variable_get(:b), TOPLEVEL_BINDING.receiver
    p eval('a + b', TOPLEVEL_BINDING)
  RUBY

  add 'ERB with the variables of the top level', <<~'RUBY'
    require 'erb'
    require 'polyphony'
    name = 'you'
    puts ERB.new('Hello, <%= name %>').result
    puts ERB.new('Hello, <%= name %>').result(binding)
  RUBY

  add 'several statements on the line', "x = 1; require 'polyphony'; y = x + 1; p x, y, __LINE__\np x\n"
  add 'a comment on the line', "require 'polyphony' # the library\np 1\n"
  add 'parentheses', "require('polyphony'); p 2\n"
  add 'nothing behind it', "puts 'above'\nrequire 'polyphony'"
  add 'an empty rest', "puts 'above'\nrequire 'polyphony'\n\n# the end\n"

  add 'definitions', <<~'RUBY'
    def above = :above
    require 'polyphony'
    LIMIT = 3
    def below = :below
    private def hidden = :hidden
    public def open = :open
    class Thing
      SIZE = LIMIT
      def initialize = @size = SIZE
      attr_reader :size
    end
    module Mixin; def mixed = :mixed; end
    include Mixin
    p above, below, hidden, ''.open, Thing.new.size, mixed, method(:below).owner, Object.const_source_location(:LIMIT)
    p Object.private_method_defined?(:below), Object.public_method_defined?(:open)
    p defined?(Thing), self.class, self.to_s, Thing.instance_method(:size).source_location
    @ivar = 1
    define_method(:later) { @ivar } rescue p $!.class
    class << self; def only_here = @ivar; end
    p only_here, Module.nesting
  RUBY

  add 'private by default, until public', "require 'polyphony'\npublic\ndef shown; end\np Object.public_method_defined?(:shown)\n"

  REFINEMENT = "module Shout; refine(String) { def shout = upcase + '!' }; end\n"
  add 'using, below', "#{REFINEMENT}require 'polyphony'\nusing Shout\np 'hey'.shout\ndef s = 'x'.shout\np s\n"
  add 'using, above', "#{REFINEMENT}using Shout\nrequire 'polyphony'\np 'hey'.shout, %w[a].map(&:shout)\n"
  add 'using, above, on one line', "#{REFINEMENT}using Shout; require 'polyphony'; p 'hey'.shout\np __LINE__, 'a'.shout\n"
  add 'using, in a class', "#{REFINEMENT}require 'polyphony'\nclass A; using Shout; X = 'a'.shout; end\np A::X\n"

  add 'BEGIN and END', <<~'RUBY'
    puts 'first line'
    END { puts 'END above' }
    BEGIN { puts 'BEGIN above'; early = 1 }
    require 'polyphony'
    END { puts 'END below' }
    BEGIN { puts "BEGIN below #{'{'}"; late = { 2 => "}" } }
    BEGIN {
      puts 'BEGIN of two lines'
    }
    p early, late, __LINE__
    2.times { END { puts 'END once' } }
    text = 'BEGIN { of a string }'
    puts text
  RUBY

  add 'order of at_exit', <<~'RUBY'
    at_exit { puts 'above' }
    require 'polyphony'
    at_exit { puts 'below'; $stdout.flush }
    at_exit { at_exit { puts 'nested' } }
    puts 'end'
  RUBY

  add 'at_exit sees how it ended', "at_exit { p $!.class, $!&.message }\nrequire 'polyphony'\nat_exit { p $! }\nexit 3\n"
  add 'at_exit changes the status', "require 'polyphony'\nat_exit { exit 7 }\n"
  add 'at_exit fails', "require 'polyphony'\nat_exit { begin; Integer('x'); rescue; warn $!.message; exit!(9); end }\n"
  add 'finalizers', "KEPT = Object.new\nObjectSpace.define_finalizer(KEPT, proc { puts 'finalized' })\nrequire 'polyphony'\nputs 1\n"
  add 'trap EXIT', "trap('EXIT') { puts 'trapped' }\nrequire 'polyphony'\nat_exit { puts 'handler' }\n"

  add 'exit', "require 'polyphony'\nprint 'not flushed'\nbegin; exit; ensure; puts 'ensure'; end\n"
  add 'exit with a status', "require 'polyphony'\nexit 3\n"
  add 'exit false', "require 'polyphony'\nexit false\n"
  add 'exit in a method, rescued by nobody', "require 'polyphony'\ndef quit = exit(4)\nbegin; quit; rescue => e; p e; end\nputs 'no'\n"
  add 'abort', "require 'polyphony'\nabort 'cannot go on'\n"
  add 'exit!', "require 'polyphony'\nat_exit { puts 'no' }\n$stdout.sync = true\nputs 'x'\nexit! 5\n"
  add 'SystemExit raised', "require 'polyphony'\nraise SystemExit.new(6, 'done')\n"
  add 'Process.exit in a thread', "require 'polyphony'\nThread.new { exit 8 }.join\nsleep\n"
  add 'kill TERM', "require 'polyphony'\n$stdout.sync = true\nat_exit { puts 'handler' }\nProcess.kill(:TERM, $$)\nsleep\n"
  add 'kill KILL', "require 'polyphony'\nProcess.kill(:KILL, $$)\nsleep\n"
  add 'SignalException raised', "require 'polyphony'\nraise SignalException, 'SIGHUP'\n"
  add 'Interrupt raised', "require 'polyphony'\nraise Interrupt\n"
  add 'Interrupt rescued', "require 'polyphony'\nbegin; Process.kill(:INT, $$); sleep; rescue Interrupt; puts 'got it'; end\n"
  add 'a trap handler', "require 'polyphony'\ntrap(:USR1) { puts 'handled'; exit 2 }\nProcess.kill(:USR1, $$)\nsleep\n"

  add 'return', "require 'polyphony'\nputs 1\nreturn if true\nputs 2\n"
  add 'return in begin, with ensure', "require 'polyphony'\nbegin\n  return\nrescue StandardError\n  p $!\nensure\n  puts 'ensure'\nend\nputs 2\n"
  add 'return above', "return if ARGV.any?\nrequire 'polyphony'\nputs 2\n", command: ['script.rb', 'x'], left: true

  add 'an error', "require 'polyphony'\nputs 'out'\nraise 'oops'\n"
  add 'an error of a class', "require 'polyphony'\nraise ArgumentError\n"
  add 'an error without message', "require 'polyphony'\nraise ''\n"
  add 'an error of several lines', "require 'polyphony'\nraise \"one\\ntwo\\nthree\"\n"
  add 'an error in methods and blocks', <<~'RUBY'
    require 'polyphony'
    def inner(x) = Integer(x)
    def outer = [1].each { |_| %w[a].map { |x| inner(x) } }
    class Runner; def run = tap { outer }; end
    Runner.new.send(:run)
  RUBY
  add 'an error with a cause', <<~'RUBY'
    require 'polyphony'
    def read = File.read('/nonexistent')
    begin
      read
    rescue SystemCallError
      begin
        raise KeyError, 'second'
      rescue KeyError
        raise 'third'
      end
    end
  RUBY
  add 'an error in at_exit', "require 'polyphony'\nat_exit { puts 'last' }\nraise 'oops'\n"
  add 'an error above', "at_exit { puts 1 }\nraise 'early'\nrequire 'polyphony'\n", left: true
  add 'an error in ensure', "require 'polyphony'\nbegin\n  raise 'a'\nensure\n  raise 'b'\nend\n"
  add 'NameError, with the place underlined', "x = 1; require 'polyphony'\nputs 1\nfoo = 1\nputs fooo\n"
  add 'NoMethodError, with the place underlined', "require 'set'\nrequire 'polyphony'\nvalue = nil\nputs [1].size, value.some_method(1)\n"
  add 'NoMethodError on the line of the require', "require 'polyphony'; [1].size; nil.foo\n"
  add 'LoadError', "require 'polyphony'\nrequire 'no_such_library'\n"
  add 'NotImplementedError', "require 'polyphony'\nraise NotImplementedError\n"
  add 'throw', "require 'polyphony'\nthrow :nobody, 1\n"
  add 'NoMatchingPattern', "require 'polyphony'\ncase [1, 2]\nin [x] then p x\nend\n"
  add 'SyntaxError of an eval', "require 'polyphony'\nbegin; eval('1 +'); rescue SyntaxError => e; puts e.message.lines.first; end\n"
  add 'frozen error', "require 'polyphony'\nraise RuntimeError.new('hard').freeze\n", differs: :backtrace
  add 'a long message in full_message', "require 'polyphony'\nbegin; raise 'x'; rescue => e; puts e.full_message(highlight: false).lines.first; end\n",
      differs: :label

  add 'warnings', "require 'polyphony'\nwarn 'one'\nwarn 'two', uplevel: 0\nwarn 'three', category: :deprecated\n$stderr.puts 'four'\n"
  UNCLEAN = <<~'RUBY'
    require 'set'
    unused = 1
    require 'polyphony'
    also_unused = 2
    def twice = 1
    def twice = 2
    p *[1]
      if true
    end
    case 1
    when 1 then 2
    when 1 then 3
    end
    @a == 1
    p $VERBOSE, Warning[:deprecated], Warning[:experimental]
    CONSTANT = 1
    CONSTANT = 2
    hash = { a: 1, a: 2 }
    p hash
  RUBY
  add 'unclean code', UNCLEAN
  add 'unclean code, -w', UNCLEAN, flags: ['-w']
  add 'unclean code, -W0', UNCLEAN, flags: ['-W0']
  add 'unclean code, -w and no deprecations', UNCLEAN, flags: ['-w', '-W:no-deprecated', '-W:no-experimental']
  add '-w and a shared variable', "n = 0\ninc = -> { n += 1 }\nrequire 'polyphony'\nunused = 3\ninc.()\nn += 1\np n, $VERBOSE\n", flags: ['-w']
  add '-d', "require 'polyphony'\np $DEBUG, $VERBOSE\n", flags: ['-d'], differs: :stderr
  add '--enable=frozen-string-literal', "require 'polyphony'\np 'x'.frozen?\n", flags: ['--enable=frozen-string-literal']
  add '-s', "require 'polyphony'\np $xyz, ARGV\n", flags: ['-s'], command: ['script.rb', '-xyz=5', 'a']
  add '-l', "require 'polyphony'\nprint 'a'\np $;\n", flags: ['-l']
  add '--disable-gems', "require 'polyphony'\np defined?(Gem), __FILE__\nraise 'x'\n", flags: ['--disable-gems']
  add '-n', "require 'polyphony'\nputs \"line \#{$_}\"\n", flags: ['-n'], stdin: "a\nb\n", left: true
  add '-p', "require 'polyphony'\n$_.upcase!\n", flags: ['-p'], stdin: "a\nb\n", left: true
  add '-x', "no ruby at all\n#!ruby\nrequire 'polyphony'\np __LINE__\n__END__\n", flags: ['-x']
  add '-C', "require 'polyphony'\np Dir.pwd, __FILE__, __dir__\n", name: 'deep/script.rb', flags: ['-C', 'deep'], command: ['script.rb']
  add '-r another library', "require 'polyphony'\np Set\n", flags: ['-rset']
  add 'POLYPHONY_MAIN=0', "require 'polyphony'\np Fiber.current.blocking?\n", env: { 'POLYPHONY_MAIN' => '0' }, left: true

  add '$0 assigned above', "$0 = 'worker'\nrequire 'polyphony'\np $0, __FILE__\nrequire_relative 'other'\n", files: { 'other.rb' => 'p 1' }
  add '$0 assigned below', "require 'polyphony'\n$0 = 'worker'\np $0, __FILE__, File.basename(__FILE__)\n"

  add 'in begin and rescue', "begin\n  require 'polyphony'\nrescue LoadError\n  puts 'none'\nend\np Fiber.current.blocking?\n", left: true
  add 'in if', "if true\n  require 'polyphony'\nend\np Fiber.current.blocking?\n", left: true
  add 'with a modifier', "require 'polyphony' if true\np Fiber.current.blocking?\n", stand_in: 'itself', left: true
  add 'in a method', "def load_it\n  require 'polyphony'\nend\nload_it\np Fiber.current.blocking?\n", left: true
  add 'in a block', "%w[set polyphony].each { |lib| require lib unless lib == 'polyphony' }\n[1].each do\n  require 'polyphony'\nend\np Fiber.current.blocking?\n", left: true
  add 'in BEGIN', "BEGIN { require 'polyphony' }\np Fiber.current.blocking?\n", left: true
  add 'its value assigned', "_x = (require 'polyphony')\np Fiber.current.blocking?\n", stand_in: 'itself', left: true
  add 'behind a backslash', "0.itself \\\n; require 'polyphony'\np __LINE__\n"
  add 'its text in a string on the line', "puts \"; require 'set'\"; require 'polyphony'; p 1\n"
  add 'using a module of its own, above', "using(Module.new { refine(Integer) { def dbl = self * 2 } })\nrequire 'polyphony'\np 4.dbl\n", differs: :stderr
  add 'loaded by another script', "load './other.rb'\np Fiber.current.blocking?\n", files: { 'other.rb' => "require 'polyphony'\np __FILE__\n" },
      differs: :load

  add 'fiber-local variables', <<~'RUBY'
    Thread.current[:above] = 1
    at_exit { p Thread.current[:above], Thread.current[:below] }
    require 'polyphony'
    p Thread.current[:above]
    Thread.current[:above] = 2
    Thread.current[:below] = 3
    Thread.current.thread_variable_set(:x, 1)
    p Thread.current == Thread.main, Thread.current.thread_variable_get(:x)
  RUBY
  add 'threads', "require 'polyphony'\np Thread.new { sleep 0.01; 5 }.value\nq = Queue.new\nThread.new { q << 1 }\np q.pop, Thread.list.size\n"
  add 'fork', "require 'polyphony'\n$stdout.sync = true\npid = fork { puts 'child'; exit 3 }\nProcess.wait(pid)\np $?.exitstatus\nat_exit { puts 'parent' }\n"
  add 'fork without a block', "require 'polyphony'\n$stdout.sync = true\nif (pid = fork)\n  Process.wait(pid)\n  p $?.exitstatus\nelse\n  puts 'child'\nend\nat_exit { puts 'bye' }\n"
  add 'system and backticks', "require 'polyphony'\nputs `echo out`\np $?.success?, system('exit 3'), $?.exitstatus\n"
  add 'exec', "require 'polyphony'\nexec 'echo', 'replaced'\n"
  add 'catch and throw', "require 'polyphony'\np catch(:x) { throw :x, 1 }\n"
  add 'Enumerator', "require 'polyphony'\ne = [1, 2].each\np e.next, e.next\nbegin; e.next; rescue StopIteration => s; p s.message; end\n"
  add 'binding and eval', "x = 1\nrequire 'polyphony'\ny = 2\np eval('x + y'), binding.receiver, eval('__FILE__', binding), eval('[__FILE__, __LINE__]', nil, 'f', 9)\n"
  add 'objects of the top level', "require 'polyphony'\np instance_variables, singleton_methods, respond_to?(:using, true)\n"
  add 'heredocs and other literals', "x = <<~A; require 'set'\n  require 'polyphony'\nA\nputs x\nrequire 'polyphony'\nputs <<~B\n  \#{x.size > 1} #not\nB\n", differs: :text
  add 'DidYouMean', "require 'polyphony'\nbegin; [].frist; rescue NoMethodError => e; puts e.respond_to?(:detailed_message) ? e.detailed_message : e.message; end\n"
  add 'a script that requires it twice', "require 'polyphony'\np 1\n$LOADED_FEATURES.size\nrequire 'polyphony'\np 2\n"
  add 'the usual guard', "require 'polyphony'\ndef main = puts('running')\nmain if __FILE__ == $0\n"
  add 'Ractor', "require 'polyphony'\n$VERBOSE = nil\nWarning[:experimental] = false\np Ractor.new { 1 + 1 }.take\n"
end
