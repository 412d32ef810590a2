# frozen_string_literal: true

require 'openssl'
require_relative 'http2_hpack'

module HTTP2Wire
  PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
  TYPES = %i[DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE CONTINUATION].freeze
  CODES = %i[NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR REFUSED_STREAM
             CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED].freeze
  SETTINGS = { HEADER_TABLE_SIZE: 1, ENABLE_PUSH: 2, MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5,
               MAX_HEADER_LIST_SIZE: 6, ENABLE_CONNECT_PROTOCOL: 8, NO_RFC7540_PRIORITIES: 9 }.freeze
  END_STREAM = ACK = 1
  END_HEADERS = 4
  PADDED = 8
  PRIORITY = 32

  # The connection has ended.
  class Closed < StandardError; end
  # What is waited for does not come.
  class Late < StandardError; end
  # The server has sent what it must not.
  class Violation < StandardError; end

  # @return [String] the bytes of a frame
  def self.frame(type, flags, stream, payload = '')
    type = TYPES.index(type) if type.is_a?(Symbol)
    [payload.bytesize >> 16, payload.bytesize & 0xffff, type, flags, stream].pack('CnCCN') + payload.b
  end

  # A frame that has come.
  Frame = Struct.new(:type, :flags, :stream, :payload) do
    # @return [Symbol, Integer] of RST_STREAM and GOAWAY
    def code = payload.unpack1(type == :GOAWAY ? 'x4N' : 'N').then { |code| CODES[code] || code }

    # @return [Integer] of GOAWAY
    def last_stream = payload.unpack1('N') & 0x7fffffff

    # @return [String] of GOAWAY
    def text = payload.byteslice(8..)

    def end_stream? = %i[DATA HEADERS].include?(type) && flags.anybits?(END_STREAM)
    def inspect = "#{type}(#{stream}, flags #{flags}, #{%i[RST_STREAM GOAWAY].include?(type) ? code : "#{payload.bytesize} bytes"})"
  end

  # A request of ours, and what came for it.
  class Exchange
    # @return [Array<Array>] status and fields of 1xx
    attr_reader :informational
    attr_accessor :fields, :trailers, :body, :reset, :ended, :wanted, :method

    def initialize(method = nil)
      @method = method
      @informational = []
    end

    # @return [Integer, nil]
    def status = fields && Integer(self[':status'])

    # @return [String, nil]
    def [](name)
      values = fields.filter_map { |key, value| value if key == name }
      values.join(', ') unless values.empty?
    end

    def over? = ended || !reset.nil?
    def answered? = ended ? true : false
    def inspect = "#<answer #{fields&.first&.last} #{body&.bytesize} bytes#{' ended' if ended}#{" reset #{reset}" if reset}>"
  end

  # What a client sends.
  module Sending
    # @param payload [String]
    def frame(type, flags, stream, payload = '') = self << HTTP2Wire.frame(type, flags, stream, payload)

    # @param fields [Array, Hash, String] or a block, encoded
    # @param pad [Integer, nil] bytes of padding
    # @param priority [Array(Integer, Integer, Boolean), nil] stream, weight 1..256, exclusive
    # @param pieces [Integer] in that many frames, HEADERS and CONTINUATION
    def headers(stream, fields, end_stream: true, end_headers: true, pad: nil, priority: nil, flags: 0, pieces: 1)
      block = fields.is_a?(String) ? fields : HTTP2Hpack.encode(fields)
      exchange(stream, fields)
      first, *others = pieces == 1 ? [block] : block.scan(/.{1,#{(block.bytesize / pieces.to_f).ceil}}/mn)
      payload = [(priority_bytes(*priority) if priority), first].join
      flags |= (end_stream ? END_STREAM : 0) | (end_headers && others.empty? ? END_HEADERS : 0) | (priority ? PRIORITY : 0)
      flags, payload = padded(flags, payload, pad) if pad
      bytes = HTTP2Wire.frame(:HEADERS, flags, stream, payload)
      others.each_with_index { |piece, i| bytes << HTTP2Wire.frame(:CONTINUATION, i == others.size - 1 ? END_HEADERS : 0, stream, piece) }
      self << bytes
    end

    def continuation(stream, block, end_headers: true)
      frame(:CONTINUATION, end_headers ? END_HEADERS : 0, stream, block.is_a?(String) ? block : HTTP2Hpack.encode(block))
    end

    def data(stream, bytes = '', end_stream: false, pad: nil)
      flags = end_stream ? END_STREAM : 0
      flags, bytes = padded(flags, bytes, pad) if pad
      @windows[0] -= bytes.bytesize
      @windows[stream] -= bytes.bytesize
      frame(:DATA, flags, stream, bytes)
    end

    def priority(stream, on = 0, weight = 16, exclusive: false) = frame(:PRIORITY, 0, stream, priority_bytes(on, weight, exclusive))
    def rst_stream(stream, code = :CANCEL) = frame(:RST_STREAM, 0, stream, [code_of(code)].pack('N'))

    # @param values [Hash{Integer, Symbol => Integer}, Array] pairs may repeat
    def settings(values = {}, ack: false, stream: 0)
      values = values.map { |name, value| [SETTINGS.fetch(name, name), value] }
      @pending_settings << values unless ack
      values.each { |name, value| @decoder.limit = value if name == 1 && value > 4096 }
      frame(:SETTINGS, ack ? ACK : 0, stream, values.map { |pair| pair.pack('nN') }.join)
    end

    def ping(opaque = '12345678', ack: false, stream: 0) = frame(:PING, ack ? ACK : 0, stream, opaque)

    def window_update(stream, size)
      @given[stream] += size
      frame(:WINDOW_UPDATE, 0, stream, [size].pack('N'))
    end

    def send_goaway(code = :NO_ERROR, last: 0, text: '', stream: 0)
      frame(:GOAWAY, 0, stream, [last, code_of(code)].pack('NN') + text)
    end

    private

    def code_of(code) = code.is_a?(Symbol) ? CODES.index(code) : code
    def priority_bytes(on, weight, exclusive = false) = [on | (exclusive ? 1 << 31 : 0), weight - 1].pack('NC')
    def padded(flags, payload, pad) = [flags | PADDED, [pad].pack('C') + payload.b + ("\0" * pad)]

    def exchange(stream, fields)
      method = fields.to_a.assoc(':method')&.last unless fields.is_a?(String)
      @streams[stream] ||= Exchange.new(method)
    end
  end

  # What a client looks at in what the server sends.
  module Checking
    NAME = /\A[!#$%&'*+\-.^_`|~0-9a-z]+\z/n
    VALUE = /\A(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?\z/n
    FORBIDDEN = %w[connection proxy-connection keep-alive transfer-encoding upgrade].freeze

    private

    def violation(text) = raise(Violation, text)

    def check(frame)
      violation("#{frame.inspect} before SETTINGS") unless @settings_came || frame.type == :SETTINGS || frame.type == :GOAWAY
      violation("#{frame.inspect} is too long") if frame.payload.bytesize > @ours[5]
      violation("#{frame.inspect} within a header") if @block && frame.type != :CONTINUATION
      frame.type.is_a?(Symbol) ? send(:"check_#{frame.type}", frame) : frame
    end

    def check_SETTINGS(frame) # rubocop:disable Naming/MethodName
      violation("#{frame.inspect}: stream or length") unless frame.stream.zero? && (frame.payload.bytesize % 6).zero?
      return acknowledged(frame) if frame.flags.anybits?(ACK)

      @settings_came = true
      frame.payload.unpack('nN' * (frame.payload.bytesize / 6)).each_slice(2) { |name, value| set(name, value) }
      settings(ack: true) if @acknowledge
    end

    def acknowledged(frame)
      violation('an acknowledgement of nothing, or with a payload') unless frame.payload.empty? && @pending_settings.any?
      @pending_settings.shift.each do |name, value|
        @given.each_key { |stream| @given[stream] += value - @ours[4] unless stream.zero? } if name == 4
        @ours[name] = value
        @decoder.limit = value if name == 1
      end
    end

    def set(name, value)
      case name
      when 2 then violation('a server that pushes') unless value.zero?
      when 4 then violation('a window of 2^31') if value > 0x7fffffff
      when 5 then violation("frames of #{value}") unless value.between?(16_384, 16_777_215)
      end
      @windows.each_key { |stream| @windows[stream] += value - @server_settings[4] unless stream.zero? } if name == 4
      @server_settings[name] = value
    end

    def check_HEADERS(frame) # rubocop:disable Naming/MethodName
      exchange = open_exchange(frame)
      payload = unpad(frame)
      payload = payload.byteslice(5..) if frame.flags.anybits?(PRIORITY)
      @block = [exchange, frame, payload]
      fields_end if frame.flags.anybits?(END_HEADERS)
    end

    def check_CONTINUATION(frame) # rubocop:disable Naming/MethodName
      violation("#{frame.inspect} out of place") unless @block && @block[1].stream == frame.stream
      @block[2] << frame.payload
      fields_end if frame.flags.anybits?(END_HEADERS)
    end

    def fields_end
      exchange, frame, block = @block
      @block = nil
      fields = @decoder.decode(block)
      check_fields(fields, exchange)
      file(exchange, fields, frame)
      over(exchange) if frame.end_stream?
    end

    def file(exchange, fields, frame)
      if exchange.fields
        violation("trailers without END_STREAM: #{fields}") unless frame.end_stream?
        exchange.trailers = fields
      elsif fields.first&.last.to_s.start_with?('1')
        violation('an informational answer ends the stream') if frame.end_stream?
        exchange.informational << [Integer(fields.first.last), fields.drop(1)]
      else
        exchange.fields = fields
        exchange.wanted = Integer(exchange['content-length'], 10) if exchange['content-length']
      end
    end

    def check_fields(fields, exchange)
      pseudo, plain = fields.partition { |name, _| name.start_with?(':') }
      violation("pseudo-fields #{pseudo}") unless pseudo.map(&:first) == (exchange.fields ? [] : %w[:status]) && fields.first(pseudo.size) == pseudo
      violation("status #{pseudo}") unless exchange.fields || pseudo[0][1].match?(/\A[1-5]\d\d\z/)
      plain.each do |name, value|
        violation("field #{name}: #{value}") if !NAME.match?(name) || !VALUE.match?(value.b) || FORBIDDEN.include?(name)
      end
    end

    def check_DATA(frame) # rubocop:disable Naming/MethodName
      exchange = open_exchange(frame)
      violation("#{frame.inspect} before HEADERS") unless exchange.fields
      [0, frame.stream].each do |stream|
        violation("#{frame.inspect}: the window of #{stream} is #{@given[stream]}") if frame.payload.bytesize > @given[stream] && !frame.payload.empty?
        @given[stream] -= frame.payload.bytesize
      end
      bytes = unpad(frame)
      violation('a body where there is none') if !bytes.empty? && (exchange.method == 'HEAD' || [204, 304].include?(exchange.status))
      (exchange.body ||= ''.b) << bytes
      give_back(frame) if @open && !frame.payload.empty?
      over(exchange) if frame.end_stream?
    end

    def give_back(frame)
      window_update(0, frame.payload.bytesize)
      window_update(frame.stream, frame.payload.bytesize) unless frame.end_stream?
    end

    def unpad(frame)
      return frame.payload unless frame.flags.anybits?(PADDED)

      pad = frame.payload.getbyte(0)
      violation("#{frame.inspect}: padding") if pad.nil? || pad >= frame.payload.bytesize
      frame.payload.byteslice(1, frame.payload.bytesize - 1 - pad)
    end

    def open_exchange(frame)
      exchange = @streams[frame.stream] or violation("#{frame.inspect} for a stream that is none of ours")
      violation("#{frame.inspect} behind the end of its stream") if exchange.over?
      exchange
    end

    def over(exchange)
      exchange.ended = true
      size = exchange.body&.bytesize || 0
      return if exchange.wanted.nil? || exchange.method == 'HEAD' || [204, 304].include?(exchange.status)

      violation("#{size} bytes instead of #{exchange.wanted}") unless exchange.wanted == size
    end

    def check_RST_STREAM(frame) # rubocop:disable Naming/MethodName
      exchange = @streams[frame.stream]
      violation("#{frame.inspect} for a stream that is none of ours") unless exchange && frame.payload.bytesize == 4
      exchange.reset = frame.code
    end

    def check_PING(frame) # rubocop:disable Naming/MethodName
      violation(frame.inspect) unless frame.stream.zero? && frame.payload.bytesize == 8
      ping(frame.payload, ack: true) if @acknowledge && !frame.flags.anybits?(ACK)
    end

    def check_GOAWAY(frame) # rubocop:disable Naming/MethodName
      violation(frame.inspect) unless frame.stream.zero? && frame.payload.bytesize >= 8
      violation('the last stream of GOAWAY grows') if @goaway && frame.last_stream > @goaway.last_stream
      @goaway = frame
    end

    def check_WINDOW_UPDATE(frame) # rubocop:disable Naming/MethodName
      size = frame.payload.unpack1('N')
      violation(frame.inspect) unless frame.payload.bytesize == 4 && size.between?(1, 0x7fffffff)
      @windows[frame.stream] += size
      violation("window of #{frame.stream} is #{@windows[frame.stream]}") if @windows[frame.stream] > 0x7fffffff
    end

    def check_PRIORITY(frame) = violation("#{frame.inspect} from a server") # rubocop:disable Naming/MethodName
    def check_PUSH_PROMISE(frame) = violation("#{frame.inspect} from a server that may not push") # rubocop:disable Naming/MethodName
  end
end
