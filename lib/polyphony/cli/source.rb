# frozen_string_literal: true

module Polyphony
  module CLI
    # The text of a program, and what Ruby would give it besides: `__FILE__` and DATA.
    class Source
      END_OF_CODE = /^__END__\r?(?:\n|\z)/
      private_constant :END_OF_CODE

      # @return [String] `__FILE__`
      attr_reader :path

      class << self
        # @param path [String]
        # @return [Source]
        # @raise [ProgramError] when there is no such file, or it cannot be read
        # @suspends no
        def file(path)
          raise ProgramError, "Is a directory -- #{path} (LoadError)" if File.directory?(path)

          new(path, File.binread(path), File.realpath(path)) do |position|
            File.open(path).tap { |io| io.pos = position }
          end
        rescue SystemCallError => e
          raise ProgramError, "#{e.class.new.message} -- #{path} (LoadError)"
        end

        # @param text [String] of -e
        # @return [Source]
        # @suspends no
        def code(text)
          new('-e', text.b)
        end

        # Reads a program up to its end, or its `__END__`: what follows is the program's input.
        #
        # @return [Source]
        # @suspends no
        def standard_input
          text = +''.b
          while (line = $stdin.gets)
            text << line.b
            break if line.match?(END_OF_CODE)
          end
          new('-', text) { $stdin }
        end
      end

      # @yieldparam position [Integer] of what follows `__END__`
      # @yieldreturn [IO] DATA
      def initialize(path, text, real_path = nil, &data)
        @path = path
        @text = text
        @real_path = real_path
        @data = data
      end

      # @return [Main::Program]
      # @raise [SyntaxError] as Ruby raises it for a main script
      # @suspends no
      def program
        program = Main::Program.new(compile(@text), path)
        define_data
        program
      rescue SyntaxError => e
        e.set_backtrace([path])
        raise
      end

      private

      def compile(text, warnings: true)
        Main::Program.compile(text, path, @real_path, warnings: warnings)
      end

      # The first `__END__` that ends the code: one in a here-document does not.
      def define_data
        return unless @data

        position = 0
        while (match = END_OF_CODE.match(@text, position))
          position = match.end(0)
          return Object.const_set(:DATA, @data.call(position)) if code?(match.pre_match)
        end
      end

      def code?(text)
        compile(text, warnings: false)
        true
      rescue SyntaxError
        false
      end
    end
  end
end
