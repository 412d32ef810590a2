# frozen_string_literal: true

module Polyphony
  module HTTP
    module Transport
      # Two Strings for all plain connections of a thread: what is read is with the parser, and what is written
      # with the kernel, before anything else runs. They save each request two Strings of its own.
      class Buffers
        # @return [Buffers] the calling thread's
        def self.here
          thread = ::Thread.current
          thread.thread_variable_get(:polyphony_http_buffers) ||
            new.tap { |buffers| thread.thread_variable_set(:polyphony_http_buffers, buffers) }
        end

        # @return [String] to read into
        attr_reader :input
        # @return [String] for what is to be written
        attr_reader :output

        def initialize
          @input = ::String.new(capacity: READ_SIZE)
          @output = ::String.new(capacity: 4096)
        end
      end
    end
  end
end
