# frozen_string_literal: true

# What a request costs in the HTTP/1 codec, without sockets and fibers: nanoseconds of CPU and Ruby objects.
# `rake bench[:codec]`; the first two columns are C alone (raw.c).

require 'fileutils'
require 'open3'
require 'rbconfig'
require 'polyphony/http/http1'

module CodecBenchmark
  include Polyphony::HTTP::HTTP1

  REQUESTS = {
    'wrk' => "GET / HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n\r\n",
    'browser' => <<~HTTP.gsub("\n", "\r\n")
      GET /some/path?with=query HTTP/1.1
      Host: example.com
      User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36
      Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
      Accept-Encoding: gzip, deflate, br
      Accept-Language: en-US,en;q=0.5
      Connection: keep-alive
      Cookie: session=0123456789abcdef0123456789abcdef; theme=dark
      Upgrade-Insecure-Requests: 1
      Sec-Fetch-Dest: document
      Sec-Fetch-Mode: navigate
      Sec-Fetch-Site: none

    HTTP
  }.freeze
  FIELDS = { 'content-type' => 'text/plain' }.freeze
  BODY = "Hello, world!\n"
  TEMPLATE = RequestHead.env_template(
    { 'rack.errors' => $stderr, 'rack.url_scheme' => 'http', 'rack.hijack?' => true, 'rack.input' => nil,
      'rack.response_finished' => nil, 'rack.early_hints' => nil, 'SCRIPT_NAME' => '', 'SERVER_NAME' => 'a',
      'SERVER_PORT' => '80', 'REMOTE_ADDR' => '127.0.0.1' }
  )
  ROUNDS = Integer(ENV.fetch('ROUNDS', '500000'))

  module_function

  def cpu
    Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
  end

  # The least of three, as whatever else the machine does can only add.
  def measure(&block)
    yield ROUNDS / 10
    objects = GC.stat(:total_allocated_objects)
    yield 1000
    objects = (GC.stat(:total_allocated_objects) - objects) / 1000
    times = Array.new(3) { began = cpu and block.call(ROUNDS) and (cpu - began) / ROUNDS * 1e9 }
    format('%d ns, %d objects', times.min, objects)
  end

  def block(request)
    parser = Parser.new
    writer = Writer.new
    measure do |rounds|
      rounds.times do
        parser.feed(request)
        head = parser.next_head
        head.path
        writer.respond(head, 200, FIELDS, BODY)
        writer.output
      end
    end
  end

  def rack(request)
    parser = Parser.new
    writer = Writer.new
    body = [BODY]
    measure do |rounds|
      rounds.times do
        parser.feed(request)
        head = parser.next_head
        head.to_env(TEMPLATE)
        writer.respond(head, 200, FIELDS, body)
        writer.output
      end
    end
  end

  def compile
    root = File.expand_path('../..', __dir__)
    build = File.join(root, 'tmp', 'ext', RUBY_VERSION, 'build', 'http')
    vendored = Dir.glob(File.join(build, 'vendor_*.c'))
    library = vendored.empty? ? ['-lllhttp'] : ["-I#{build}", '-DLLHTTP_STRICT_MODE=1', *vendored]
    ours = Dir.glob(File.join(root, 'ext/http/http1_{parser,chunks,rules,target,chars,names,response}.c'))
    program = File.join(root, 'tmp', 'bench', "codec-#{RUBY_VERSION}")
    FileUtils.mkdir_p(File.dirname(program))
    system(RbConfig::CONFIG['CC'].split.first, '-O2', '-std=gnu11', '-w', '-D_GNU_SOURCE', "-I#{root}/ext/http",
           File.join(__dir__, 'raw.c'), *ours, *library, '-o', program, exception: true)
    program
  end

  def run
    program = compile
    puts "llhttp #{LLHTTP_VERSION}, Ruby #{RUBY_VERSION}; CPU time of one request, read and answered", '',
         '| request | llhttp and a copy | codec, C alone | codec, block handler | codec, Rack env |',
         '|---|--:|--:|--:|--:|'
    REQUESTS.each do |name, request|
      output, = Open3.capture2(program, ROUNDS.to_s, stdin_data: request)
      raw, codec = output.split.map { |ns| "#{ns} ns" }
      puts "| #{name}, #{request.bytesize} bytes | #{raw} | #{codec} | #{block(request)} | #{rack(request)} |"
    end
  end
end

CodecBenchmark.run
