# frozen_string_literal: true

module Polyphony
  module HTTP
    module Operation
      # What a worker tells its cluster, through a pipe: `r` when it serves, `.` each second from then on; or
      # `e` and why it could not start.
      class Life
        # Bytes of a reason that are passed on.
        MOST = 8192

        # @return [Log] of the worker
        attr_reader :log

        # @param io [IO]
        # @param log [Log]
        def initialize(io, log)
          @io = io
          @log = log
        end

        # @return [Boolean] false when the cluster is gone
        def ready = say('r')

        # @return [Boolean] false when the cluster is gone
        def beat = say('.')

        # @param text [String]
        # @return [Boolean] false when the cluster is gone
        def failed(text) = say("e#{text.byteslice(0, MOST)}")

        # @return [Numeric] seconds between two signs
        def interval = 1

        # Nothing is left behind by a worker.
        def clean_up = nil

        private

        # A cluster that does not listen just now must not hold us up.
        def say(text)
          @io.write_nonblock(text, exception: false)
          true
        rescue ::Errno::EPIPE
          false
        end
      end
    end
  end
end
