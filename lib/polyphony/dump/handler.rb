# frozen_string_literal: true

module Polyphony
  class Dump
    # What {Polyphony.dump_on} set up.
    #
    # A signal handler may take no lock, hence write to no logger, and a full pipe would make the fiber wait
    # that it happens to interrupt. So the text is made in the handler, where nothing else of the main
    # thread runs, and written by a thread.
    class Handler
      # Seconds that the end of the program waits for a text that is being written.
      WRITING = 2
      private_constant :WRITING

      @writing = ::Thread::Mutex.new

      class << self
        # @return [Mutex] two dumps at once do not mix
        # @api private
        attr_reader :writing

        # @param signal [String, nil] POLYPHONY_DUMP
        # @return [void]
        # @suspends no
        # @api private
        def from_environment(signal)
          Polyphony.dump_on(signal) unless signal.nil? || signal.empty?
        rescue ::ArgumentError => e
          warn("polyphony: POLYPHONY_DUMP=#{signal}: #{e.message}; give a signal, as in POLYPHONY_DUMP=QUIT")
        end
      end

      # @return [String] without "SIG"
      attr_reader :signal

      # @api private
      def initialize(signal, io, **options)
        raise ::TypeError, "io must respond to write: #{io.inspect}" unless io.respond_to?(:write)

        @signal = signal.to_s.delete_prefix('SIG')
        @io = io
        @options = options
        Polyphony.count(options[:frames], 'frames')
        require 'io/console' if io.respond_to?(:tty?) && io.tty? # for its width
      end

      # @return [self]
      # @suspends no
      # @api private
      def start
        @handler = proc { |number| call(number) }
        @previous = ::Signal.trap(@signal, @handler)
        # Ours that turn signals into exceptions do what Ruby would: end the program.
        @calls = @previous.is_a?(::Proc) && !Scheduler::SignalHandlers.own.key?(@previous)
        # To the search for deadlocks a handler that wakes nobody is none.
        Scheduler::SignalHandlers.own[@handler] = @signal unless @calls
        at_exit { finish_writing }
        self
      end

      # Puts back what handled the signal before, unless the program has set another handler since.
      #
      # @return [void]
      # @suspends while a text is being written
      def stop
        return unless @handler

        current = ::Signal.trap(@signal, @previous || 'SYSTEM_DEFAULT')
        ::Signal.trap(@signal, current || 'SYSTEM_DEFAULT') unless current.equal?(@handler)
        Scheduler::SignalHandlers.own.delete(@handler)
        @handler = nil
        finish_writing
      end

      # @return [String]
      # @suspends no
      def inspect
        "#<#{self.class} #{@signal}#{' stopped' unless @handler}>"
      end

      private

      def call(number)
        text = Polyphony.dump(**@options, width: width)
        write(text)
        @previous.call(number) if @calls
      end

      # The program may end right after the signal.
      def finish_writing
        @writer&.join(WRITING)
      end

      def write(text)
        @writer = ::Thread.new { Handler.writing.synchronize { @io.write(text) } }
      rescue ::ThreadError # no thread to be had: as well as it goes
        @io.write(text)
      end

      def width
        @io.winsize[1] if @io.respond_to?(:winsize) && @io.tty?
      rescue ::SystemCallError
        nil
      end
    end
  end
end
