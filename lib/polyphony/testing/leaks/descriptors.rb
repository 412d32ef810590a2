# frozen_string_literal: true

module Polyphony
  module Testing
    module Leaks
      # Open descriptors, as the kernel lists them. @api private
      module Descriptors
        LISTS = %w[/proc/self/fd /dev/fd].freeze
        # Ruby and libev open these when they first need them, and keep them.
        OWN = ['anon_inode:[eventpoll]', 'anon_inode:[eventfd]'].freeze
        private_constant :LISTS, :OWN

        # @return [Hash{Array(Integer, String) => Integer}] number and target to number
        def self.now
          list = LISTS.find { |dir| ::File.directory?(dir) } or return {}
          ::Dir.children(list).each_with_object({}) do |name, found|
            target = target(list, name)
            found[[name.to_i, target]] = name.to_i if target && !OWN.include?(target)
          end
        end

        # @return [Array(String, String)] what it is, where it was opened
        def self.describe((number, target), _number)
          io = object(number)
          ["descriptor #{number} #{[io&.inspect, target].compact.join(' ')}", io && opened_at(io)]
        end

        # Has Ruby note where objects are made.
        def self.trace
          require 'objspace'
          ::ObjectSpace.trace_object_allocations_start
        end

        # Ends what {trace} began.
        def self.untrace
          ::ObjectSpace.trace_object_allocations_stop
        end

        def self.target(list, name)
          ::File.readlink(::File.join(list, name))
        rescue ::Errno::EINVAL
          '' # this system does not tell
        rescue ::SystemCallError
          nil # that of the list itself
        end
        private_class_method :target

        def self.object(number)
          ::ObjectSpace.each_object(::IO).find { |io| !io.closed? && io.fileno == number }
        rescue ::IOError
          nil # one that was never opened
        end
        private_class_method :object

        def self.opened_at(io)
          file = ::ObjectSpace.respond_to?(:allocation_sourcefile) && ::ObjectSpace.allocation_sourcefile(io)
          file && "opened at #{file}:#{::ObjectSpace.allocation_sourceline(io)}"
        end
        private_class_method :opened_at
      end
      private_constant :Descriptors
    end
  end
end
