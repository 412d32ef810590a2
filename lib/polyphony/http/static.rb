# frozen_string_literal: true

require_relative 'file_response'

module Polyphony
  module HTTP
    # Serves the files below a folder, by the path of the request.
    #
    #   STATIC = Polyphony::HTTP::Static.new('public')
    #   Polyphony::HTTP.serve { |request| STATIC.serve(request) || request.respond('not found', status: 404) }
    class Static
      # @param root [String] the folder
      # @param index [String, nil] the file that stands for a folder
      # @param headers [Hash{String => String}] of all answers, as `cache-control`
      # @param hidden [Boolean] serve names that begin with a dot
      # @raise [SystemCallError] when there is no such folder
      def initialize(root, index: 'index.html', headers: {}, hidden: false)
        @root = ::File.realpath(root)
        @index = index
        @headers = headers.dup.freeze
        @hidden = hidden
      end

      # Answers a GET or HEAD for a file that is there.
      #
      # @param request [Request]
      # @return [Boolean] false, and no answer, when there is no such file
      # @suspends while the client takes no more
      def serve(request)
        return false unless %w[GET HEAD].include?(request.method)

        path = file_for(request.path) or return false
        request.serve_file(path, headers: @headers)
        true
      end

      # @param path [String] of a request
      # @return [String, nil] the file, if it is one below the root
      # @suspends no
      def file_for(path)
        name = decode(path) or return
        full = ::File.join(@root, name)
        full = ::File.join(full, @index) if @index && ::File.directory?(full)
        return if full.end_with?('/') # of a file

        real = ::File.realpath(full) # where links lead
        real if real.start_with?("#{@root}/") && ::File.file?(real)
      rescue ::SystemCallError, ::ArgumentError
        nil
      end

      # @return [String]
      def inspect = "#<#{self.class} #{@root}>"

      private

      def decode(path)
        name = path.gsub(/%\h\h/) { |code| code[1, 2].hex.chr }.force_encoding(::Encoding::UTF_8)
        return if name.include?("\0") || !name.start_with?('/')

        parts = name.split('/')
        return if parts.include?('..')
        return if !@hidden && parts.any? { |part| part.start_with?('.') }

        name
      end
    end
  end
end
