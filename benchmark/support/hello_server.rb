# frozen_string_literal: true

require 'fileutils'
require 'rbconfig'

module Bench
  # The C program of hello_server.c: compiled when first needed, started once, shared by all children.
  module HelloServer
    SOURCE = File.join(__dir__, 'hello_server.c')
    BINARY = File.expand_path("../../tmp/bench/hello_server-#{RUBY_VERSION}", __dir__) # a libc of its own per Ruby
    BODY = "Hello, world!\n"
    VARIABLE = 'BENCH_HTTP_PORT'

    # @return [Integer] where the server listens; starts one unless whoever started this process has
    def self.port = Integer(ENV[VARIABLE] || start)

    # Starts the server; it ends with this process, for its standard input then ends.
    # @raise [RuntimeError] if it cannot be compiled or started
    def self.start
      compile
      stdin, = @pipe = IO.pipe
      out, out_writer = IO.pipe
      pid = Process.spawn(BINARY, in: stdin, out: out_writer, close_others: true)
      Process.detach(pid)
      [stdin, out_writer].each(&:close)
      ENV[VARIABLE] = out.gets&.chomp or raise 'the benchmark HTTP server did not start'
    end

    def self.compile
      return if File.exist?(BINARY) && File.mtime(BINARY) > File.mtime(SOURCE)

      FileUtils.mkdir_p(File.dirname(BINARY))
      system(ENV.fetch('CC', 'cc'), '-O2', '-Wall', '-Wextra', '-o', BINARY, SOURCE) or
        raise "could not compile #{SOURCE}: is a C compiler installed?"
    end
    private_class_method :compile
  end
end
