# frozen_string_literal: true

module Polyphony
  module HTTP
    class Server
      # The time as of the last second: what time limits are measured by.
      class Clock
        # @return [Float] seconds of {Polyphony.now}
        attr_reader :now

        def initialize
          tick
        end

        # Looks at the time.
        def tick
          @now = Polyphony.now
        end
      end
      private_constant :Clock
    end
  end
end
