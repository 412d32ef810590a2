# frozen_string_literal: true

require 'rbs'

# The signatures in sig/, read once.
module Signatures
  ROOT_DIR = File.expand_path('../..', __dir__)
  DIR = File.join(ROOT_DIR, 'sig')

  # Documented as `@api private`, or found by nobody but the file beside it; programs have no business there.
  INTERNAL = %w[Group Lifecycle Supervisor ProcessFiber::Run Scheduler::SignalHandlers CLI::Help CLI::IRB CLI::Run CLI::Source
                HTTP::Listener HTTP::Transport HTTP::Phases HTTP::Answering HTTP::HTTP1::Connection HTTP::HTTP1::Incoming HTTP::HTTP1::Outgoing
                HTTP::HTTP1::Takeover HTTP::HTTP1::Failing HTTP::HTTP1::Preface HTTP::HTTP2::Connection HTTP::HTTP2::Stream HTTP::HTTP2::Incoming
                HTTP::HTTP2::Outgoing HTTP::HTTP2::Failing HTTP::HTTP2::Tunnelling HTTP::HTTP2::Writing HTTP::HTTP2::Ending HTTP::HTTP2::Parting HTTP::HTTP2::Peer HTTP::HTTP2::Serving HTTP::TLS::Certificates HTTP::Rack::Env HTTP::Rack::Input HTTP::Rack::Rewindable HTTP::Rack::Answer HTTP::Rack::Fields HTTP::Operation::App
                HTTP::Operation::Child HTTP::Operation::Cluster HTTP::Operation::Worker HTTP::Operation::Notify
                HTTP::Operation::PidFile HTTP::Operation::Settings HTTP::Operation::ConfigurationFile HTTP::Operation::Single
                HTTP::Operation::Crew HTTP::Operation::Generation HTTP::Operation::Life HTTP::Operation::Sockets].freeze
  INTERNAL_BELOW = %w[Main].freeze # what lies in it, not itself
  INTERNAL_METHODS = %w[Polyphony.sleep_until Polyphony::Fiber.spin Polyphony::Fiber.spin_into Polyphony::Scope#host Polyphony::Scope#label Polyphony::FiberMethods.exception].freeze

  # Signed, but there only from some Ruby on or on some system.
  CONDITIONAL = %i[io_write io_select io_close splice].freeze

  module_function

  def environment
    @environment ||= begin
      loader = RBS::EnvironmentLoader.new
      %w[socket openssl].each { |library| loader.add(library: library, version: nil) }
      loader.add(path: Pathname(DIR))
      RBS::Environment.from_loader(loader).resolve_type_names
    end
  end

  def builder
    @builder ||= RBS::DefinitionBuilder.new(env: environment)
  end

  # @return [RBS::Definition] of a module's own (or its singleton's) methods
  def definition(mod, singleton: false)
    name = RBS::TypeName.parse("::#{mod.name}")
    singleton ? builder.build_singleton(name) : builder.build_instance(name)
  end

  # @return [Array<Symbol>] methods that sig/ gives to this very module
  def signed(mod, singleton: false)
    return [] unless environment.module_name?(RBS::TypeName.parse("::#{mod.name}"))

    definition(mod, singleton: singleton).methods.select do |_, method|
      method.defs.any? { |d| d.implemented_in.to_s == "::#{mod.name}" && from_here?(d.member) }
    end.keys
  end

  def from_here?(member)
    member.location&.buffer&.name.to_s.start_with?(DIR)
  end

  # @return [Array<Module>] Polyphony and all in it that programs may use
  def modules(mod = Polyphony, found = [])
    return found if found.include?(mod) || internal?(mod)

    found << mod
    mod.constants(false).sort.each do |constant|
      next if mod.autoload?(constant)

      value = mod.const_get(constant, false)
      modules(value, found) if value.is_a?(Module) && value.name&.start_with?('Polyphony')
    end
    found
  end

  def internal?(mod)
    name = mod.name.delete_prefix('Polyphony::')
    INTERNAL.include?(name) || (INTERNAL + INTERNAL_BELOW).any? { |internal| name.start_with?("#{internal}::") }
  end

  # Checks each call of a signed method from now on: arguments, blocks and results. For a child process:
  # rbs puts a method of its own before each. What is found goes to the file +report+ when the process ends.
  def check_calls(report)
    require 'rbs/test'
    tester = RBS::Test::Tester.new(env: environment)
    modules.each { |mod| tester.install!(mod, sample_size: 10, unchecked_classes: []) }
    log = Log.new(report)
    # rbs has no public way to have misfits noted and not raised.
    RBS::Test::Observer.class_variable_get(:@@observers).transform_values! { |checker| log.around(checker) }
  end

  # Counts calls, and notes those that do not fit their signature. One that ended in an exception is none of
  # them: that is how a method refuses what its signature does not have.
  class Log
    def initialize(file)
      @calls = 0
      @misfits = []
      pid = Process.pid
      at_exit { File.write(file, [@calls, *@misfits.uniq].join("\n")) if Process.pid == pid }
    end

    def around(checker)
      lambda do |receiver, trace|
        next unless trace.method_call.return?

        @calls += 1
        check(checker, receiver, trace)
      end
    end

    private

    def check(checker, receiver, trace)
      checker.call(receiver, trace)
    rescue RBS::Test::Tester::TypeError => e
      @misfits << e.message.tr("\n", ' ')
    end
  end
end

Signatures.check_calls(ENV['POLYPHONY_CALLS']) if ENV['POLYPHONY_CALLS'] && defined?(Polyphony)
