# frozen_string_literal: true

# To see one fail: in ext/http, leave out the marking of a stream's pieces or of `exchange` (http2_session_class.c), of
# `owner` or `request` (http2_exchange_class.c), or mark pieces movable.
RSpec.describe 'The HTTP/2 codec under garbage collection' do
  { 'plain' => 'with its objects moved now and then', 'stress' => 'at every allocation', 'compact' => 'with auto_compact', 'verify' => 'moving every object' }.each do |mode, title|
    it title do
      result = run_ruby(File.join(ROOT, 'spec/support/http2_codec_workload.rb'), mode, flags: ['--disable-gems'], timeout: 55)
      expect(result.stderr.lines.first(20).join).to eq('')
      expect([result.stdout, result.status.success?]).to eq(["codec: ok\n", true])
    end
  end

  it 'takes no memory that it does not give back' do
    out, err, = run_ruby(<<~RUBY, timeout: 55)
      require 'polyphony/http/http2'
      HTTP2 = Polyphony::HTTP::HTTP2
      def rss = File.read('/proc/self/status')[/VmRSS:\\s+(\\d+)/, 1].to_i
      def frame(type, flags, id, payload = '') = [payload.bytesize >> 16, payload.bytesize & 0xffff, type, flags, id].pack('CnCCN') + payload.b
      get = { ':method' => 'GET', ':scheme' => 'http', ':authority' => 'a', ':path' => '/' }.map { |n, v| "\\0\#{n.bytesize.chr}\#{n}\#{v.bytesize.chr}\#{v}" }.join
      round = lambda do |*|
        100.times do |i|
          session = HTTP2::Session.new
          session.feed(HTTP2::PREFACE + frame(4, 0, 0) + (1..10).map { |n| frame(1, 4, n * 2 - 1, get) + frame(0, i % 2, n * 2 - 1, 'x' * 1000) }.join)
          exchange = HTTP2::Exchange.new(session)
          while exchange.take
            exchange.read_body if i % 3 == 0
            exchange.respond(200, { 'a' => '1' }, 'x' * 10_000)
            session.output if i.even?
            begin exchange.respond(200, {}); rescue Polyphony::HTTP::Error; end
          end
          session.feed('rubbish') if i % 5 == 0
          session.gone if i % 7 == 0
        end
        GC.start
        rss
      end
      sizes = Array.new(20, &round)
      puts sizes.last(5).min - sizes[5, 5].max
    RUBY
    expect(err).to eq('')
    expect(Integer(out)).to be < 4096
  end
end
