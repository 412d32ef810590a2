# frozen_string_literal: true

# Run in a child process by spec/purity_spec.rb: prints, as JSON, what an entry point has changed in Ruby's
# own classes and modules. Everything that the entry points require from the standard library is loaded before.
require 'json'
require 'etc'
require 'socket'
require 'io/wait'
require 'timeout'
require 'openssl'
require 'net/http'
require 'monitor'

module PurityProbe
  INSTANCE_METHODS = Module.instance_method(:instance_methods)
  PRIVATE_METHODS = Module.instance_method(:private_instance_methods)

  class << self
    # @return [Hash] what there is: methods with owner and source, constants with identity, ancestors
    def snapshot
      ObjectSpace.each_object(Module).reject { |mod| own?(mod) }.to_h { |mod| [mod, describe(mod)] }
    end

    def difference(before, after)
      changes = { 'added' => [], 'changed' => [], 'ancestors' => [], 'constants' => [] }
      before.each do |mod, was|
        now = after.fetch(mod)
        compare_methods(mod, was[:methods], now[:methods], changes)
        changes['ancestors'] << mod.inspect if was[:ancestors] != now[:ancestors]
        compare_constants(mod, was[:constants], now[:constants], changes)
      end
      changes.transform_values(&:sort)
    end

    private

    def own?(mod)
      mod == self || mod.singleton_class? || mod.name.to_s.start_with?('PurityProbe', 'Polyphony')
    end

    def describe(mod)
      { methods: { '#' => methods_of(mod), '.' => methods_of(mod.singleton_class) },
        ancestors: [mod.ancestors, mod.singleton_class.ancestors.reject(&:singleton_class?)],
        constants: constants_of(mod) }
    end

    def methods_of(mod)
      names = INSTANCE_METHODS.bind_call(mod, false) | PRIVATE_METHODS.bind_call(mod, false)
      names.to_h do |name|
        method = mod.instance_method(name)
        [name, [method.owner.inspect, method.source_location, method.arity, method.original_name, visibility(mod, name)]]
      end
    end

    def visibility(mod, name)
      if mod.private_method_defined?(name) then :private
      else mod.protected_method_defined?(name) ? :protected : :public
      end
    end

    def constants_of(mod)
      mod.constants(false).to_h do |name|
        [name, mod.autoload?(name) ? :autoload : mod.const_get(name).__id__]
      rescue NameError, LoadError
        [name, :unreadable]
      end
    end

    def compare_methods(mod, was, now, changes)
      was.each do |mark, methods|
        label = "#{mod.inspect}#{mark}"
        (now[mark].keys - methods.keys).each { |name| changes['added'] << "#{label}#{name} #{now[mark][name].last}" }
        methods.each { |name, method| changes['changed'] << "#{label}#{name}" if now[mark][name] != method }
      end
    end

    def compare_constants(mod, was, now, changes)
      (was.keys | now.keys).each do |name|
        next if was[name] == now[name] || was[name] == :autoload

        changes['constants'] << "#{mod.inspect}::#{name}"
      end
    end
  end
end

globals = global_variables
traps = Signal.list.keys.grep_v(/KILL|STOP|SEGV|BUS|ILL|FPE|VTALRM|EXIT/).to_h do |name|
  [name, Signal.trap(name, 'DEFAULT').tap { |handler| Signal.trap(name, handler || 'DEFAULT') }]
rescue ArgumentError
  [name, nil]
end
before = PurityProbe.snapshot
require ARGV.fetch(0)
changes = PurityProbe.difference(before, PurityProbe.snapshot)
changes['globals'] = (global_variables - globals).map(&:to_s)
changes['traps'] = traps.reject do |name, handler|
  handler.nil? || Signal.trap(name, 'DEFAULT').tap { |now| Signal.trap(name, now) } == handler
end.keys
changes['scheduler'] = Fiber.scheduler.inspect
puts JSON.generate(changes)
