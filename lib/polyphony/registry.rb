# frozen_string_literal: true

require_relative 'exclusion'

module Polyphony
  # Which fiber has which name, in the whole process.
  module Registry
    @lives = {}
    @exclusion = Exclusion.new

    class << self
      # @see Polyphony.register
      def register(name, life)
        raise ::ArgumentError, 'nil is no name' if name.nil?

        @exclusion.synchronize do
          holder = live(name)
          refuse(name, holder) if holder && !holder.equal?(life)
          @lives[name] = life
          life.names |= [name]
          drop(name, life) if life.dead?
        end
      end

      # @see Polyphony.unregister
      def unregister(name)
        @exclusion.synchronize do
          life = live(name)
          @lives.delete(name)
          life.names -= [name] if life
          life
        end
      end

      # @return [Lifecycle, nil] the live fiber of that name
      def live(name)
        Scheduler.current # notices a fork: see there?
        life = @lives[name]
        life if life && there?(life)
      end

      # @return [Hash{Object => Lifecycle}]
      def all
        Scheduler.current
        @lives.dup.select { |_, life| there?(life) }
      end

      # A fiber has ended: its names are free. It remembers them, for a restart.
      def release(life)
        @exclusion.synchronize do
          life.names.each { |name| @lives.delete(name) if @lives[name].equal?(life) }
        end
      end

      # An ended fiber is restarted: it gets those of its names that nobody has taken.
      def restore(life)
        @exclusion.synchronize do
          life.names.select! { |name| live(name).nil? }
          life.names.each { |name| @lives[name] = life }
        end
      end

      private

      # In a forked child the fibers of other threads have not ended: their threads are gone.
      def there?(life)
        !life.dead? && life.task.thread&.alive?
      end

      def refuse(name, holder)
        raise Error, "#{holder.fiber.inspect} is registered as #{name.inspect}; unregister it first, or stop it"
      end

      def drop(name, life)
        @lives.delete(name)
        raise DeadFiber, "#{life.fiber.inspect} has ended and cannot be registered as #{name.inspect}"
      end
    end
  end
  private_constant :Registry

  class << self
    # Gives a fiber a name, under which all threads find it: with {[]} or {fetch}. It is free again when the fiber
    # has ended; a restarted fiber keeps it. In a forked process only the fiber that forked has its names.
    #
    #   Polyphony.register(:logger, spin { receive_loop { |line| puts line } })
    #   Polyphony[:logger] << 'started'
    #
    # @param name [Object] a Symbol, as a rule; what can be a key of a Hash, but not nil
    # @param fiber [Fiber] default: the calling one
    # @return [Fiber] the fiber
    # @raise [Polyphony::Error] when another live fiber has the name
    # @raise [Polyphony::DeadFiber] when the fiber has ended
    # @raise [TypeError] for what is no fiber of Polyphony's
    # @suspends no
    def register(name, fiber = current)
      Registry.register(name, Group.life(fiber))
      fiber
    end

    # @return [Fiber, nil] the live fiber of that name
    # @suspends no
    def [](name)
      Registry.live(name)&.fiber
    end

    # @return [Fiber] the live fiber of that name
    # @raise [KeyError] when there is none
    # @suspends no
    def fetch(name)
      self[name] || raise(::KeyError.new("no live fiber is registered as #{name.inspect}", receiver: self, key: name))
    end

    # Takes the name from the fiber that has it.
    #
    # @return [Fiber, nil] the fiber; nil if none had it
    # @suspends no
    def unregister(name)
      Registry.unregister(name)&.fiber
    end

    # @return [Hash{Object => Fiber}] the live fibers that have names
    # @suspends no
    def registered
      Registry.all.transform_values(&:fiber)
    end
  end
end
