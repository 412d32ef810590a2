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
        kind, *arguments = given
        case kind
        when ::String, ::Exception, ::Proc then return if arguments.empty?
        when ::Class then return check_class(kind, arguments) if kind <= ::Exception
        end
        raise ::TypeError, 'with_exception: takes an exception, its class, an Array of a class and its arguments, ' \
                           "a message or a Proc, not #{given.inspect}"
      end

      # Known before it is needed: at the end of the time it would hide what took so long.
      def self.check_class(kind, arguments)
        return if kind.equal?(Cancel) || !arguments.empty?
        return if [0, -1].include?(kind.instance_method(:initialize).arity)
        return if kind.method(:exception).owner != ::Exception.singleton_class

        raise ::ArgumentError, "#{kind} cannot be made without arguments: " \
                               "with_exception: [#{kind}, …], or -> { #{kind}.new(…) }"
      end
      private_class_method :check_class

      # @see Polyphony.cancel_after
      # @return [Exception] what is to be raised instead, with this one's backtrace
      # @suspends no
      # @api private
      def replacement(given)
        kind, *arguments = given
        error = case kind
                when ::Proc then kind.call
                when ::String then ::RuntimeError.new(kind)
                else kind.exception(*arguments)
                end
        raise ::TypeError, "with_exception: gave no exception, but #{error.inspect}" unless error.is_a?(::Exception)

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
