# frozen_string_literal: true

module Polyphony
  module Testing
    module Leaks
      # Child processes, running or not waited for: on Linux only. @api private
      module Processes
        LISTS = '/proc/self/task/*/children'
        private_constant :LISTS

        # @return [Hash{Integer => Integer}] by process id
        def self.now
          ::Dir.glob(LISTS).flat_map { |file| children(file) }.to_h { |pid| [pid, pid] }
        end

        # @return [Array(String, nil)] what it is
        def self.describe(pid, _pid)
          state = ::File.read("/proc/#{pid}/stat").rpartition(')').last.split.first
          command = ::File.read("/proc/#{pid}/cmdline").split("\0").join(' ')
          ["process #{pid}#{state == 'Z' ? ' has ended and was not waited for' : " runs #{command}"}", nil]
        rescue ::SystemCallError
          ["process #{pid}", nil]
        end

        def self.children(file)
          ::File.read(file).split.map(&:to_i)
        rescue ::SystemCallError
          [] # a thread that has ended meanwhile
        end
        private_class_method :children
      end
      private_constant :Processes
    end
  end
end
