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

        # @return [self]
        # @raise [Polyphony::Error] when another server has it, or when it cannot be written
        # @suspends no
        def write
          create || (check_other && replace)
          @pid = ::Process.pid
          self
        rescue ::SystemCallError => e
          raise Error, "the pid file cannot be written: #{e.message}"
        end

        # @return [void]
        # @suspends no
        def remove
          ::File.unlink(@path) if @pid == ::Process.pid && read == @pid
        rescue ::SystemCallError
          nil
        end

        private

        # Two that start at once do not both get it.
        def create
          ::File.open(@path, ::File::WRONLY | ::File::CREAT | ::File::EXCL) { |file| file.write("#{::Process.pid}\n") }
          true
        rescue ::Errno::EEXIST
          false
        end

        def check_other
          other = read
          return true unless other && running?(other)

          raise Error, "#{@path} says that process #{other} is the server, and it is running. " \
                       'Stop that one first, or remove the file if it is another program'
        end

        def replace
          ::File.write(@path, "#{::Process.pid}\n")
        end

        def read
          Integer(::File.read(@path), 10, exception: false)
        rescue ::SystemCallError
          nil
        end

        def running?(pid)
          return false if pid == ::Process.pid || !pid.positive?

          ::Process.kill(0, pid)
          true
        rescue ::Errno::ESRCH, ::RangeError
          false
        rescue ::Errno::EPERM
          true
        end
      end
    end
  end
end
