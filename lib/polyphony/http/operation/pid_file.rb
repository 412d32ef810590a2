# frozen_string_literal: true

module Polyphony
  module HTTP
    module Operation
      # A file with the number of the process, for scripts that send it signals.
      class PidFile
        # @param path [String]
        def initialize(path)
          @path = ::File.expand_path(path)
        end

        # @return [void]
        # @raise [Polyphony::Error] when another server has it
        # @raise [SystemCallError] when it cannot be written
        def write
          other = read
          raise Error, "#{@path} belongs to process #{other}, which is running" if other && running?(other)

          ::File.write(@path, "#{@pid = ::Process.pid}\n")
        end

        # @return [void]
        def remove
          ::File.unlink(@path) if @pid == ::Process.pid && read == @pid
        rescue ::SystemCallError
          nil
        end

        private

        def read
          Integer(::File.read(@path), exception: false)
        rescue ::SystemCallError
          nil
        end

        def running?(pid)
          return false if pid == ::Process.pid

          ::Process.kill(0, pid)
          true
        rescue ::Errno::ESRCH
          false
        rescue ::Errno::EPERM
          true
        end
      end
    end
  end
end
