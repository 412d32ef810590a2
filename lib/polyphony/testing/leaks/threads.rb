# frozen_string_literal: true

module Polyphony
  module Testing
    module Leaks
      # Ruby's threads. @api private
      module Threads
        # Timeout keeps one for the whole process.
        OWN = ['Timeout stdlib thread'].freeze
        private_constant :OWN

        # @return [Hash{Thread => Thread}]
        def self.now
          ::Thread.list.reject { |thread| OWN.include?(thread.name) }.to_h { |thread| [thread, thread] }
        end

        # @return [Array(String, nil)] what it is: Ruby's own text has the place
        def self.describe(thread, _thread)
          ["thread #{thread.inspect}", nil]
        end
      end
      private_constant :Threads
    end
  end
end
