# frozen_string_literal: true

# To see one fail: in ext/http, leave out the marking of `context` or `headers` (http1_head_class.c), of
# `head_class` (http1_parser_class.c), of `parts` (http1_writer_class.c) or of the cached values
# (http1_strings.c), or mark movable without its line in the compact function.
RSpec.describe 'The HTTP/1 codec under garbage collection' do
  { 'plain' => 'with its objects moved now and then', 'stress' => 'at every allocation', 'compact' => 'with auto_compact', 'verify' => 'moving every object' }.each do |mode, title|
    it title do
      result = run_ruby(File.join(ROOT, 'spec/support/http_codec_workload.rb'), mode, flags: ['--disable-gems'], timeout: 55)
      expect(result.stderr.lines.first(20).join).to eq('')
      expect([result.stdout, result.status.success?]).to eq(["codec: ok\n", true])
    end
  end

  it 'takes no memory that it does not give back' do
    out, err, = run_ruby(<<~RUBY, timeout: 55)
      require 'polyphony/http/http1'
      HTTP1 = Polyphony::HTTP::HTTP1
      def rss = File.read('/proc/self/status')[/VmRSS:\\s+(\\d+)/, 1].to_i
      get = "GET / HTTP/1.1\\r\\nHost: a\\r\\nX-R: %d\\r\\n\\r\\n"
      round = lambda do |n|
        1000.times do |i|
          parser = HTTP1::Parser.new.feed(format(get, n * 1000 + i))
          writer = HTTP1::Writer.new
          head = parser.next_head
          head.headers
          writer.respond(head, 200, { 'a' => '1' }, 'x' * 10_000)
          writer.output if i.even?
          parser.feed('POST')
          begin parser.next_head; writer.respond(head, 200, { 'a' => "\\n" }); rescue Polyphony::HTTP::Error; end
        end
        GC.start
        rss
      end
      sizes = Array.new(30, &round)
      puts sizes.last(5).min - sizes[5, 5].max
    RUBY
    expect(err).to eq('')
    expect(Integer(out)).to be < 4096
  end
end
