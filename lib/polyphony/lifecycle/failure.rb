# frozen_string_literal: true

module Polyphony
  class Lifecycle
    # One uncaught error on its way up. It can reach a fiber by several ways (from the child that
    # failed, and from another that awaited that child and failed in turn): who has seen it is noted
    # here and not at the error, because a program may raise the same exception object twice.
    class Failure
      # @return [Exception]
      attr_reader :error

      # @param error [Exception]
      # @param news [Boolean] it is known from an error that has suppressed it: nobody can tell which failure it was
      def initialize(error, news: false)
        @error = error
        @news = news
        @seen = nil
      end

      # @return [Boolean]
      def news?
        @news
      end

      # @param life [Lifecycle]
      # @return [Boolean] whether it was raised there, or is about to be
      def seen_by?(life)
        @seen ? @seen.key?(life) : false
      end

      # Notes that it is raised in +life+, with what it has suppressed so far.
      def seen_by(life)
        (@seen ||= {}.compare_by_identity)[life] = Suppressed.count(@error)
      end

      # @return [Array<Failure>] what +life+ has not seen of it: itself, or errors that it has suppressed since, on
      #   its other way
      def news_for(life)
        return [self] unless seen_by?(life) || life.received?(@error, as_news: true)

        news = Suppressed.since(@error, (@seen && @seen[life]) || 0)
        seen_by(life)
        news.reject { |error| life.received?(error) }.map { |error| Failure.new(error, news: true) }
      end

      # Says an error that can be raised nowhere, because what it should be raised in ends with another.
      #
      # @param error [Exception]
      # @param life [Lifecycle] where it could not be raised
      def self.report(error, life)
        warn("polyphony: #{life.fiber.inspect} was ending when this came:\n#{error.full_message(highlight: false)}")
      end
    end
    private_constant :Failure
  end
end
