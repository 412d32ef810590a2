# frozen_string_literal: true

require_relative 'group'

module Polyphony
  class ProcessFiber < Fiber
    # What such a fiber runs: starts the process, waits for it, and leaves nothing of it behind. @api private
    class Run
      # Where a fiber without a block was spun, as a block says it.
      Site = ::Struct.new(:source_location)

      # Longest title, in characters.
      MAX_TITLE = 80
      # Words that need no quotes.
      PLAIN_WORD = %r{\A[\w@%+=:,./-]+\z}
      private_constant :MAX_TITLE, :PLAIN_WORD

      # @return [Integer, nil]
      attr_reader :pid
      # @return [String]
      attr_reader :title

      # @param command [Array] as Process.spawn takes it
      # @param block [Proc, nil] in place of a command
      # @raise [ArgumentError, TypeError]
      def initialize(command, block, grace:, pgroup:, options:)
        check(command, block, options)
        *command, last = command if command.size > 1 && command.last.is_a?(::Hash)
        @command = command
        @block = block
        @grace = Polyphony.duration(grace, 'grace')
        @options = { **(last || {}), **options, pgroup: pgroup }.compact
        @title = block ? 'forked block' : title_of(command)
      end

      # One run.
      #
      # @return [Process::Status]
      # @raise [Polyphony::ProcessFailed, SystemCallError]
      # @suspends until the process has ended
      def call
        @parent = ::Process.pid
        @pid = @block ? fork : ::Process.spawn(*@command, **@options)
        @group = Group.new(@pid) if own_group?
        status = wait
        raise ProcessFailed.new(@title, status) unless status.success?

        status
      ensure
        leave_nothing if @parent == ::Process.pid # and not in the forked process
      end

      # @see ProcessFiber#signal
      # @suspends no
      def signal(signal)
        return false unless @pid

        ::Process.kill(signal, own_group? ? -@pid : @pid)
        true
      rescue ::Errno::ESRCH
        false
      end

      private

      def check(command, block, options)
        unless command.empty? ^ block.nil?
          raise ::ArgumentError, 'give either a command, as for Process.spawn, or a block to run in a forked process'
        end
        return if block.nil? || options.empty?

        raise ::ArgumentError, "options of Process.spawn need a command: #{options.inspect}"
      end

      def title_of(command)
        words = command.reject { |word| word.is_a?(::Hash) }
        words = words.map { |word| word.is_a?(::Array) ? word.first.to_s : word.to_s }
        title = words.size == 1 ? words.first : words.map { |word| quoted(word) }.join(' ')
        title.size > MAX_TITLE ? "#{title[0, MAX_TITLE - 1]}…" : title
      end

      def quoted(word)
        word.match?(PLAIN_WORD) ? word : word.inspect
      end

      # Whether the process leads a group of its own.
      def own_group?
        @options[:pgroup] == true || @options[:pgroup] == 0 # rubocop:disable Style/NumericPredicate -- it may be true
      end

      def fork
        ::Process.fork do
          join_group(0)
          @block.call
        end.tap { |pid| join_group(pid) } # whoever comes first: until then signals would miss it
      end

      def join_group(pid)
        group = @options[:pgroup]
        ::Process.setpgid(pid, group == true ? pid : group) if group
      rescue ::Errno::EACCES, ::Errno::ESRCH # it did so itself, or has ended
        nil
      end

      def wait
        status = ::Process::Status.wait(@pid)
        return status if status&.pid == @pid

        raise Error, "somebody else has waited for #{@title} (pid #{@pid}): its status is lost"
      ensure
        @pid = nil if status
      end

      def leave_nothing
        deadline = Polyphony.now + @grace
        end_process if @pid
      ensure
        @pid = nil
        @group&.finish(deadline)
        @group = nil
      end

      # A stopped process gets the signal when it goes on.
      def end_process
        signal(:TERM)
        signal(:CONT)
        Polyphony.move_on_after(@grace) { wait }
      ensure
        if @pid
          signal(:KILL)
          Polyphony.shield { wait }
        end
      end
    end
  end
end
