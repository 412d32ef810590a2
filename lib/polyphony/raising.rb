# frozen_string_literal: true

module Polyphony
  # What `raise` does with its arguments, for raising somewhere else. @api private
  module Raising
    # @param arguments [Array] as Kernel#raise takes them
    # @param options [Hash] cause:
    # @return [Exception]
    # @raise [TypeError] when they mean none
    # @suspends no
    def self.exception(arguments, options)
      first, *rest = arguments
      error = case first
              when nil then ::RuntimeError.new('unhandled exception')
              when ::String then ::RuntimeError.new(first)
              else first.respond_to?(:exception) ? first.exception(*rest.first(1)) : first
              end
      ::Kernel.raise(::TypeError, 'exception class/object expected') unless error.is_a?(::Exception)

      error.set_backtrace(rest[1]) if rest[1]
      options.key?(:cause) ? with_cause(error, options[:cause]) : error
    end

    def self.with_cause(error, cause)
      ::Kernel.raise(error, cause: cause)
    rescue ::Exception => e # rubocop:disable Lint/RescueException -- made, not raised
      e
    end
    private_class_method :with_cause
  end
  private_constant :Raising
end
