# frozen_string_literal: true

module Stock
  # Runs the block in a forked copy of this process, which a C library may abort without harm to the suite,
  # and returns its value (Marshal carries it). The child's failures are raised here.
  #
  # @raise [RSpec::Expectations::ExpectationNotMetError] when the child was killed, aborted or hung
  def in_child(&block)
    reader, writer = pipe
    errors = keep(Tempfile.new('errors'))
    pid = Process.fork { Child.report(reader, writer, errors, &block) }
    writer.close
    outcome, value = Child.outcome(reader, pid, errors)
    outcome == :raised ? raise(value) : value
  ensure
    errors&.unlink
  end

  # Both sides of in_child.
  module Child
    LIMIT = 20 # seconds
    Failed = Class.new(StandardError)

    class << self
      def report(reader, writer, errors)
        reader.close
        $stderr.reopen(errors.path, 'w')
        outcome = begin
          [:returned, yield]
        rescue Exception => e # rubocop:disable Lint/RescueException -- carried to the parent
          [:raised, portable(e)]
        end
        writer.write(Marshal.dump(outcome))
        writer.close
      ensure
        exit!(0)
      end

      def outcome(reader, pid, errors)
        data = read(reader, pid)
        status = Process.wait2(pid).last
        return Marshal.load(data) unless data.empty? # rubocop:disable Security/MarshalLoad -- our own child's

        raise RSpec::Expectations::ExpectationNotMetError,
              "the child process ended with #{status.inspect}\n#{File.read(errors.path)}"
      end

      private

      def read(reader, pid)
        deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + LIMIT
        data = +''
        loop do
          left = deadline - Process.clock_gettime(Process::CLOCK_MONOTONIC)
          reader.wait_readable([left, 0].max) or Process.kill(:ABRT, pid)
          data << reader.readpartial(65_536)
        rescue EOFError
          return data
        end
      end

      def portable(error)
        Marshal.load(Marshal.dump(error)) # rubocop:disable Security/MarshalLoad -- our own
      rescue TypeError
        Failed.new("#{error.class}: #{error.message}").tap { |copy| copy.set_backtrace(error.backtrace) }
      end
    end
  end
end

require 'io/wait'
require 'tempfile'
