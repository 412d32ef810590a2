# frozen_string_literal: true

# Runs a program under valgrind and finds the errors that are ours. Ruby itself, which reads its stacks
# conservatively, gives thousands. One is ours when
#
# - a read or write that is invalid, or a free, was made by our C or by libev on our behalf, or
# - memory was lost that our C has allocated.
#
# Left out are accesses to "a rw- anonymous segment", the stacks of fibers, and to the inside of what is
# allocated. Valgrind takes a switch between stacks that lie close for one stack that grows or shrinks, and
# forbids what lies between: our waiters are on the stacks of suspended fibers.
# rake memory:asan does not see stacks that were freed, either; the specs of spec/memory do: they crash.
class MemoryValgrind
  OPTIONS = %w[--quiet --num-callers=30 --undef-value-errors=no --leak-check=full --show-leak-kinds=definite
               --max-stackframe=65536 --xml=yes].freeze
  LIMIT = '180' # seconds
  OURS = /\A(?:scheduler_ext|libev|http_ext|libllhttp)\b/
  SYSTEM = /\A(?:libc[.-]|ld-|vgpreload)/
  STACKS = /in a rw- anonymous segment|on thread .* stack|bytes inside a block of size [\d,]+ alloc'd/
  ALLOCATION_FRAMES = 4 # malloc, at most two of Ruby's, then who wanted the memory

  # @param dir [String] where the reports go: one for each process, forked children too
  def initialize(dir)
    @dir = dir
  end

  # @return [Boolean] whether the command ended well
  def run(*command)
    system('timeout', '--kill-after=5', LIMIT, 'valgrind', *OPTIONS, "--xml-file=#{File.join(@dir, 'report.%p')}", *command)
  end

  # @return [Array<String>] errors that are ours, each with its stack
  def errors
    Dir.glob(File.join(@dir, 'report.*')).flat_map do |file|
      File.read(file).scan(%r{<error>.*?</error>}m).filter_map { |error| describe(error) }
    end.uniq
  end

  # @return [Integer] all errors that valgrind has reported, Ruby's too
  def seen
    Dir.glob(File.join(@dir, 'report.*')).sum { |file| File.read(file).scan('<error>').size }
  end

  private

  def describe(error)
    kind = error[%r{<kind>(.*?)</kind>}, 1]
    frames = error[%r{<stack>(.*?)</stack>}m, 1].to_s.scan(%r{<frame>(.*?)</frame>}m).map { |frame,| name(frame) }
    what = error[%r{<auxwhat>(.*?)</auxwhat>}, 1].to_s
    return unless kind.start_with?('Leak_') ? lost_by_us?(frames) : touched_by_us?(frames, what)

    ["#{kind}: #{what}", *frames.first(12)].join("\n    ")
  end

  def name(frame)
    object, function, file, line = %w[obj fn file line].map { |tag| frame[%r{<#{tag}>(.*?)</#{tag}>}, 1] }
    "#{File.basename(object.to_s)}: #{function || '?'}#{" (#{file}:#{line})" if file}"
  end

  def touched_by_us?(frames, what)
    !STACKS.match?(what) && OURS.match?(frames.find { |frame| !SYSTEM.match?(frame) }.to_s)
  end

  def lost_by_us?(frames)
    frames.first(ALLOCATION_FRAMES).any?(OURS)
  end
end
