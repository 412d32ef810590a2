# frozen_string_literal: true

# Makes the codec do everything it can while objects are made, moved and freed: run by
# spec/http/codec/memory_spec.rb, and by `rake memory:asan` and `memory:valgrind` for errors that show in no result.
#
#   ruby -I lib -I tmp/ext/RUBY_VERSION spec/support/http_codec_workload.rb plain|stress|compact|verify

require 'polyphony/http/http1'

module HTTPCodecWorkload
  HTTP1 = Polyphony::HTTP::HTTP1
  GROW = { (GC.method(:verify_compaction_references).parameters.any? { |_, name| name == :expand_heap } ? :expand_heap : :double_heap) => true }.freeze

  BYTES = "GET /a?b HTTP/1.1\r\nHost: example.com:80\r\nUser-Agent: workload\r\nX-Custom: 1\r\nx-custom: 2\r\nX_Bad: 1\r\nCookie: a\r\n\r\n" \
          "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n2\r\n, \r\n5\r\nworld\r\n0\r\nX-Sum: 1\r\nUser-Agent: 2\r\n\r\n" \
          "PUT http://b/ HTTP/1.1\r\nHost: b\r\nContent-Length: 10\r\nConnection: close\r\nX-#{'long' * 40}: 1\r\n\r\n0123456789" \
          "BREW / HTTP/1.1\r\n\r\n"

  module_function

  def check(name, actual, expected)
    raise "#{name}: #{actual.inspect} instead of #{expected.inspect}" unless actual == expected
  end

  def churn(mode)
    Array.new(20) { +'x' * 50 }
    case mode
    when 'verify' then GC.verify_compaction_references(toward: :empty, **GROW)
    when 'plain' then GC.compact
    end
  end

  def run(mode, piece)
    parser = parser_of_own_class
    churn(mode)
    heads = []
    bodies = []
    status = nil
    BYTES.scan(/.{1,#{piece}}/m) { |bytes| status ||= take(parser, bytes, heads, bodies) }
    churn(mode)
    check('status', status, 501)
    check('bodies', bodies.join, 'hello, world0123456789')
    check('trailers', parser.trailers, {})
    look_at(heads, mode)
    respond(heads, mode)
  end

  # Nobody else knows the class.
  def parser_of_own_class
    HTTP1::Parser.new(HTTP1::Limits.new(body: 1000), Class.new(HTTP1::RequestHead) { def mine = 'mine' })
  end

  def take(parser, bytes, heads, bodies)
    parser.feed(bytes)
    loop do
      if parser.complete?
        head = parser.next_head or return nil
        head.context = "context #{heads.size}"
        heads << head
      else
        chunk = parser.read_body(3)
        bodies << chunk if chunk
        return nil unless chunk || parser.complete?
      end
    end
  rescue Polyphony::HTTP::ProtocolError => e
    e.status
  end

  def look_at(heads, mode)
    check('class', heads.map(&:mine), %w[mine mine mine])
    shared = heads[0]['user-agent'].object_id # nobody but the cache keeps it
    churn(mode)
    GC.start
    check('shared', [heads[0]['user-agent'], heads[0]['user-agent'].object_id], ['workload', shared])
    check('paths', heads.map(&:path), %w[/a /c /])
    check('custom', heads[0]['x-custom'], '1, 2')
    hash = heads[0].headers
    env = heads[0].to_env(HTTP1::RequestHead.env_template('SERVER_PORT' => 'x'))
    heads.each(&:headers)
    churn(mode)
    check('headers', hash, 'host' => 'example.com:80', 'user-agent' => 'workload', 'x-custom' => '1, 2', 'x_bad' => '1', 'cookie' => 'a')
    check('same', heads[0].headers.equal?(hash), true)
    check('others', heads[1].headers, 'host' => 'a', 'transfer-encoding' => 'chunked')
    check('env', env.values_at('HTTP_USER_AGENT', 'HTTP_X_CUSTOM', 'SERVER_PORT', 'PATH_INFO'), ['workload', '1, 2', '80', '/a'])
    check('context', heads.map(&:context), ['context 0', 'context 1', 'context 2'])
    check('long', heads[2].each_header.to_a.last, ["x-#{'long' * 40}", '1'])
  end

  FRAMES = [[0x81, 0x85, 1, 2, 3, 4], 'hello'.bytes.zip([1, 2, 3, 4, 1]).map { |a, b| a ^ b }, [0x02, 0x82, 0, 0, 0, 0, 120, 120],
            [0x89, 0x81, 0, 0, 0, 0, 112], [0x80, 0x81, 0, 0, 0, 0, 120], [0x88, 0x82, 0, 0, 0, 0, 3, 0xe8], [0xff]].flatten.pack('C*')

  # The frames of WebSockets.
  def websocket(mode, piece)
    decoder = Polyphony::HTTP::WebSocket::Decoder.new(1000, 10, false)
    seen = []
    FRAMES.scan(/.{1,#{piece}}/mn) do |bytes|
      decoder.feed(bytes)
      churn(mode)
      while (event = decoder.next)
        churn(mode)
        seen << (event.is_a?(String) ? event : [event, decoder.payload, decoder.code])
        break if event == :failed
      end
    end
    check('events', seen.first(4), ['hello', [:ping, 'p', 1005], 'xxx', [:close, '', 1000]])
    check('frame', Polyphony::HTTP::WebSocket.encode(1, 'x' * 200, true), "\xc1~\0\xc8#{'x' * 200}".b)
  end

  def respond(heads, mode)
    writer = HTTP1::Writer.new
    writer.respond(heads[0], 200, { 'a' => %w[1 2] }, ['x', 'y' * 20_000])
    churn(mode)
    begin
      writer.respond(heads[0], 200, { 'a' => "1\n" })
    rescue Polyphony::HTTP::ResponseError
      writer.start(heads[1], 200, { 'b' => '1' }).write('z' * 9000)
    end
    churn(mode)
    writer.finish('t' => '1')
    text = writer.output.join
    check('size', text.size > 29_000 && text.end_with?("0\r\nt: 1\r\n\r\n"), true)
  end
end

if $PROGRAM_NAME == __FILE__
  mode = ARGV.fetch(0)
  GC.stress = true if mode == 'stress'
  GC.auto_compact = true if mode == 'compact'
  (mode == 'plain' ? [1, 7, 1000] : [9]).each do |piece|
    HTTPCodecWorkload.run(mode, piece)
    HTTPCodecWorkload.websocket(mode, piece)
  end
  GC.stress = false
  puts 'codec: ok'
end
