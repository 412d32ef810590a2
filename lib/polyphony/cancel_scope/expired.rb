# frozen_string_literal: true

module Polyphony
  class CancelScope
    # Raised in the block to end it. Only the scope it belongs to rescues it.
    class Expired < ::Exception # rubocop:disable Lint/InheritException -- `rescue => e` must not swallow it
      # @return [Polyphony::CancelScope]
      attr_reader :scope

      # @param scope [Polyphony::CancelScope]
      # @suspends no
      def initialize(scope)
        @scope = scope
        super('the time limit of a cancel scope ran out')
      end

      # What ends the fiber, a scope around this one or the program may be on its way through an `ensure`
      # that waits, when this limit cuts that wait: this exception then takes its place. It must not be
      # lost with it. (Of an error one cannot tell: one that was rescued nearby looks the same.)
      #
      # @param before [Exception, nil] what was on its way where the scope began
      # @return [Exception, nil] what this one has displaced
      # @suspends no
      # @api private
      def displaced(before)
        error = self
        while (error = error.cause)
          return if error.equal?(before)
          return error if final?(error)
        end
      end

      # @see Polyphony.cancel_after
      # @raise [TypeError] for what cannot be raised
      # @raise [ArgumentError] for a class that needs arguments
      # @suspends no
      # @api private
      def self.check_replacement(given)
        return if given.equal?(Cancel)

        kind, *arguments = given
        return if (kind.is_a?(::String) || kind.is_a?(::Exception) || kind.is_a?(::Proc)) && arguments.empty?

        unless kind.is_a?(::Class) && kind <= ::Exception
          raise ::TypeError, 'with_exception: takes an exception, its class, an Array of a class and its arguments, ' \
                             "a message or a Proc, not #{given.inspect}"
        end
        refuse_missing_arguments(kind) if arguments.empty?
      end

      # Known before it is needed: at the end of the time it would hide what took so long.
      def self.refuse_missing_arguments(kind)
        arity = kind.instance_method(:initialize).arity
        return if [0, -1].include?(arity) || kind.method(:exception).owner != ::Exception.singleton_class

        raise ::ArgumentError, "#{kind} cannot be made without arguments: " \
                               "with_exception: [#{kind}, …], or -> { #{kind}.new(…) }"
      end
      private_class_method :refuse_missing_arguments

      # @see Polyphony.cancel_after
      # @return [Exception] what is to be raised instead, with this one's backtrace
      # @suspends no
      # @api private
      def replacement(given)
        kind, *arguments = given.is_a?(::Array) ? given : [given]
        kind = kind.call if kind.is_a?(::Proc)
        kind = ::RuntimeError.new(kind) if kind.is_a?(::String)
        error = kind.respond_to?(:exception) ? kind.exception(*arguments) : kind
        raise ::TypeError, "with_exception: gave #{error.inspect}, which is no exception" unless error.is_a?(::Exception)

        error.set_backtrace(backtrace) unless error.backtrace || error.frozen?
        error
      end

      private

      def final?(error)
        case error
        when Stop, ::SignalException, ::SystemExit then true
        when Expired then error.scope.is_a?(CancelScope) && error.scope.running?
        else false
        end
      end
    end
  end
end
