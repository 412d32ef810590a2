# frozen_string_literal: true

module Polyphony
  class Postgres
    # All open connections of the process. A forked child has copies of their sockets, and when it ends, or its garbage
    # is collected, libpq would say good-bye on them: the parent's sessions would be over. So they stay referred to, and
    # before the child's objects are freed their sockets are exchanged for nothing. @api private
    module Forks
      @wires = {}.compare_by_identity
      @pid = ::Process.pid

      # @param wire [Wire]
      def self.add(wire)
        notice
        @wires[wire] = true
      end

      # @param wire [Wire]
      def self.remove(wire)
        @wires.delete(wire)
      end

      # @return [void]
      def self.notice
        return if @pid == ::Process.pid

        @pid = ::Process.pid
        @inherited = @wires.keys.each(&:disown) # and kept: see above
        @wires.clear
      end

      # @return [Integer]
      def self.size = @wires.size

      ::Kernel.at_exit { notice }
    end
    private_constant :Forks
  end
end
