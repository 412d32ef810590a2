# frozen_string_literal: true

module Polyphony
  module HTTP
    # What the server has to say, a line each: to an IO, or to a Logger.
    class Log
      # @param target [#write, #warn, nil] an IO, something like a Logger, or nil for silence
      # @param name [String, nil] of the process, at the beginning of each line
      def initialize(target, name = nil)
        @target = target
        @name = name && "#{name}: "
        @logger = target.respond_to?(:warn) && target.respond_to?(:info) && !target.is_a?(::IO)
      end

      # @param text [String]
      # @return [void]
      def info(text) = put(:info, text)

      # @param text [String]
      # @return [void]
      def warn(text) = put(:warn, text)

      # An error that a handler did not rescue.
      #
      # @param error [Exception]
      # @param request [Request, nil]
      # @return [void]
      def failure(error, request)
        put(:error, "#{"#{request.method} #{request.path}: " if request}#{text_of(error)}".chomp)
      end

      private

      # There are errors that fail when they are asked what they are.
      def text_of(error)
        error.full_message(highlight: false).b.force_encoding(::Encoding::UTF_8).scrub('?')
      rescue ::StandardError
        "#{error.class}, which cannot say what it is"
      end

      # A log that cannot be written to is no reason to stop serving.
      def put(level, text)
        return unless @target

        text = "#{@name}#{text.scrub('?')}"
        @logger ? @target.public_send(level, text) : @target.write("polyphony: #{text}\n")
      rescue ::StandardError
        nil
      end
    end
  end
end
