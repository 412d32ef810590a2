# frozen_string_literal: true

# Makes the codec of HTTP/2 do everything it can while objects are made, moved and freed: run by
# spec/http/http2/codec_memory_spec.rb, and by `rake memory:asan` and `memory:valgrind`.
#
#   ruby -I lib -I tmp/ext/RUBY_VERSION spec/support/http2_codec_workload.rb plain|stress|compact|verify

require 'polyphony/http/http2'

module HTTP2CodecWorkload
  HTTP2 = Polyphony::HTTP::HTTP2
  GROW = { (GC.method(:verify_compaction_references).parameters.any? { |_, name| name == :expand_heap } ? :expand_heap : :double_heap) => true }.freeze
  TYPES = { data: 0, headers: 1, rst: 3, settings: 4, ping: 6, goaway: 7, window: 8, continuation: 9 }.freeze

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

  def frame(type, flags, stream, payload = '')
    [payload.bytesize >> 16, payload.bytesize & 0xffff, TYPES.fetch(type), flags, stream].pack('CnCCN') + payload.b
  end

  # Every field as it is, without compression.
  def block(fields) = fields.map { |name, value| "\0#{[name.bytesize].pack('C')}#{name}#{[value.bytesize].pack('C')}#{value}" }.join.b

  def fields(method, path, more = {})
    block({ ':method' => method, ':scheme' => 'http', ':authority' => 'example.com', ':path' => path, 'user-agent' => 'workload', **more })
  end

  def input
    long = fields('GET', '/long', { 'x-long' => 'y' * 120 })
    HTTP2::PREFACE.b + frame(:settings, 0, 0) + frame(:headers, 5, 1, fields('GET', '/a?b', { 'cookie' => 'a=1', 'x-own' => '1' })) +
      frame(:headers, 4, 3, fields('POST', '/post', { 'trailer' => 'x-sum' })) + frame(:data, 0, 3, 'hello, ') + frame(:ping, 0, 0, '12345678') +
      frame(:data, 0, 3, 'world') + frame(:headers, 5, 3, block('x-sum' => '12')) + frame(:headers, 1, 5, long[0, 50]) + frame(:continuation, 4, 5, long[50..]) +
      frame(:headers, 5, 7, fields('GET', '/gone')) + frame(:rst, 0, 7, [8].pack('N')) + frame(:headers, 5, 9, fields('BREW', '/')) +
      frame(:headers, 5, 11, fields('GET', '/bad', { 'connection' => 'close' })) + frame(:window, 0, 0, [1 << 20].pack('N'))
  end

  def run(mode, piece)
    session = HTTP2::Session.new(HTTP2::Limits.new(stream_window: 65_535), Class.new(HTTP2::RequestHead) { def mine = 'mine' })
    session.clock = 1.0
    churn(mode)
    exchanges = []
    sent = +''
    seen = []
    input.scan(/.{1,#{piece}}/mn) do |bytes|
      check('goes on', session.feed(bytes), true)
      take(session, exchanges, seen)
      drain(session, sent)
    end
    churn(mode)
    seen = seen.sort_by(&:first).reject { |id,| id == 7 } # it is there only if it was not reset at once
    check('requests', seen, [[1, 'GET', '/a', 'mine', 'example.com'], [3, 'POST', '/post', 'mine', 'example.com'],
                                              [5, 'GET', '/long', 'mine', 'example.com'], [9, 501]])
    answer(session, exchanges, sent, mode)
    check('complaints', session.complaints&.size, 1)
    session.gone
    exchanges.each(&:release)
    check('idle', session.idle?, true)
  end

  def take(session, exchanges, seen)
    loop do
      exchange = HTTP2::Exchange.new(session, +"owner #{exchanges.size}", true)
      request = exchange.take or return
      exchanges << exchange
      seen << [exchange.id, request.method, request.path, request.mine, request['host']]
      request.context = "context #{exchange.id}"
    rescue Polyphony::HTTP::ProtocolError => e
      exchanges << exchange
      seen << [exchange.id, e.status]
    end
  end

  def drain(session, sent)
    while (bytes = session.output)
      sent << bytes
    end
  end

  def answer(session, exchanges, sent, mode)
    by_id = exchanges.to_h { |exchange| [exchange.id, exchange] }
    by_id[1].respond(200, { 'X-Large' => %w[a b], 'content-type' => 'text/plain' }, [+'x' * 100, +'y' * 70_000])
    churn(mode)
    drain(session, sent) # no more than the window of the stream
    check('queued', by_id[1].queued, 70_100 - 65_535)
    session.feed(frame(:window, 0, 1, [100_000].pack('N')))
    post(by_id[3], session, mode)
    by_id[5].inform(103, { 'link' => '<a>' })
    by_id[5].start(200, { 'content-length' => '6' })
    3.times { |i| by_id[5].write(+"#{i}#{i}") && churn(mode) }
    by_id[5].finish
    by_id[9].respond(501, {}, nil)
    drain(session, sent)
    check('sent', [1, 3, 5, 9].map { |id| by_id[id].queued }, [0, 0, 0, 0])
    check('bodies', bodies_in(sent), { 1 => ('x' * 100) + ('y' * 70_000), 3 => 'hello, world', 5 => '001122' })
  end

  def post(exchange, session, mode)
    body = +''
    while (piece = exchange.read_body(5))
      churn(mode)
      body << piece
    end
    check('body', [body, exchange.complete?, exchange.trailers], ['hello, world', true, { 'x-sum' => '12' }])
    exchange.start(200, {})
    check('queued', exchange.write(body), 12)
    exchange.finish('x-end' => 'of it')
  end

  def bodies_in(sent)
    bodies = Hash.new { |all, id| all[id] = +'' }
    until sent.empty?
      size, small, type, _flags, id = sent.slice!(0, 9).unpack('CnCCN')
      payload = sent.slice!(0, (size << 16) | small)
      bodies[id] << payload if type.zero? && !payload.empty?
    end
    bodies
  end
end

mode = ARGV.fetch(0)
GC.auto_compact = true if mode == 'compact'
GC.stress = true if mode == 'stress'
rounds = { 'plain' => 6, 'compact' => 6, 'verify' => 2 }.fetch(mode, 1)
rounds.times { |i| HTTP2CodecWorkload.run(mode, [1, 7, 4096][i % 3]) }
GC.stress = false
puts 'codec: ok'
