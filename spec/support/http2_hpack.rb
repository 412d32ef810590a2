# frozen_string_literal: true

# HPACK (RFC 7541) for specs: an encoder that also writes what nobody should, and a decoder that takes nothing
# that breaks a rule. It shares no code with the server.
module HTTP2Hpack
  # What is no HPACK.
  class Violation < StandardError; end

  # Length in bits of the code of each symbol, the last is EOS (appendix B). The code is canonical: lengths are all.
  LENGTHS = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30
  ].freeze

  # symbol => code as text of bits
  CODES = begin
    code = 0
    last = 0
    LENGTHS.each_with_index.sort.to_h do |length, symbol|
      code <<= length - last
      last = length
      text = code.to_s(2).rjust(length, '0')
      code += 1
      [symbol, text]
    end.freeze
  end
  SYMBOLS = CODES.invert.freeze
  EOS = 256

  # The static table (appendix A); its first entry has index 1.
  STATIC = <<~TABLE.lines(chomp: true).map { |line| line.split(' ', 2).then { |name, value| [name, value || ''] } }.freeze
    :authority
    :method GET
    :method POST
    :path /
    :path /index.html
    :scheme http
    :scheme https
    :status 200
    :status 204
    :status 206
    :status 304
    :status 400
    :status 404
    :status 500
    accept-charset
    accept-encoding gzip, deflate
    accept-language
    accept-ranges
    accept
    access-control-allow-origin
    age
    allow
    authorization
    cache-control
    content-disposition
    content-encoding
    content-language
    content-length
    content-location
    content-range
    content-type
    cookie
    date
    etag
    expect
    expires
    from
    host
    if-match
    if-modified-since
    if-none-match
    if-range
    if-unmodified-since
    last-modified
    link
    location
    max-forwards
    proxy-authenticate
    proxy-authorization
    range
    referer
    refresh
    retry-after
    server
    set-cookie
    strict-transport-security
    transfer-encoding
    user-agent
    vary
    via
    www-authenticate
  TABLE

  module_function

  # @return [String] an integer with a prefix of +bits+, below +pattern+ (5.1)
  def integer(value, bits, pattern = 0)
    most = (1 << bits) - 1
    return [pattern | value].pack('C') if value < most

    bytes = [pattern | most]
    value -= most
    while value >= 128
      bytes << ((value % 128) | 128)
      value /= 128
    end
    (bytes << value).pack('C*')
  end

  # @return [String] a string literal (5.2)
  def string(text, huffman: false)
    text = huffman(text) if huffman
    integer(text.bytesize, 7, huffman ? 0x80 : 0) + text.b
  end

  # @return [String]
  def huffman(text)
    bits = text.each_byte.map { |byte| CODES.fetch(byte) }.join
    bits << ('1' * (-bits.size % 8))
    [bits].pack('B*')
  end

  # @return [String] an entry of a table (6.1)
  def indexed(index) = integer(index, 7, 0x80)

  # @param name [String, Integer] or the index of an entry that has it
  # @param as [Symbol] :plain (6.2.2), :indexing (6.2.1), :never (6.2.3)
  # @return [String]
  def literal(name, value, as: :plain, huffman: false)
    bits, pattern = { plain: [4, 0], indexing: [6, 0x40], never: [4, 0x10] }.fetch(as)
    start = name.is_a?(Integer) ? integer(name, bits, pattern) : integer(0, bits, pattern) + string(name, huffman: huffman)
    start + string(value, huffman: huffman)
  end

  # @return [String] (6.3)
  def size_update(size) = integer(size, 5, 0x20)

  # @param fields [Array<Array(String, String)>, Hash]
  # @return [String] a block of them that needs no dynamic table
  def encode(fields, huffman: false)
    fields.map do |name, value|
      whole = STATIC.index([name, value])
      next indexed(whole + 1) if whole

      index = STATIC.index { |other, _| other == name }
      literal(index ? index + 1 : name, value, huffman: huffman)
    end.join.b
  end

  # One direction of a connection.
  class Decoder
    # @return [Integer] of the table, in bytes as RFC 7541 counts them
    attr_reader :size
    # @return [Array<Array(String, String)>] the dynamic table, the newest first
    attr_reader :table

    def initialize(limit = 4096)
      @limit = @most = limit
      @table = []
      @size = 0
    end

    # What our settings allow the other side, once it has acknowledged them: it must say so (4.2).
    def limit=(limit)
      @due = [@due || limit, limit].min if limit < @most || @due
      @limit = limit
    end

    # @return [Array<Array(String, String)>]
    # @raise [Violation]
    def decode(block)
      @block = block.b
      @at = 0
      fields = []
      field(fields) while @at < @block.bytesize
      fields
    end

    private

    def field(fields)
      byte = @block.getbyte(@at)
      return fields << entry(integer(7)) if byte >= 0x80
      return resize(fields) if byte & 0xe0 == 0x20

      raise Violation, 'no size update after a smaller table was acknowledged' if @due

      bits = byte & 0x40 == 0x40 ? 6 : 4
      index = integer(bits)
      name = index.zero? ? text : entry(index).first
      fields << [name, text]
      add(fields.last) if bits == 6
    end

    def resize(fields)
      raise Violation, 'a size update behind a field' unless fields.empty?

      size = integer(5)
      raise Violation, "a table of #{size}, the limit is #{@limit}" if size > @limit

      @due = nil if @due && size <= @due
      @most = size
      evict(0)
    end

    def entry(index)
      raise Violation, 'no size update after a smaller table was acknowledged' if @due
      raise Violation, 'index 0' if index.zero?

      STATIC[index - 1] || @table[index - STATIC.size - 1] || raise(Violation, "index #{index} of #{STATIC.size + @table.size}")
    end

    def add(field)
      need = field.sum(&:bytesize) + 32
      evict(need)
      return if need > @most

      @table.unshift(field)
      @size += need
    end

    def evict(need)
      @size -= @table.pop.sum(&:bytesize) + 32 while @size + need > @most && !@table.empty?
    end

    def byte
      value = @block.getbyte(@at) or raise Violation, 'the block ends within a field'
      @at += 1
      value
    end

    def integer(bits)
      most = (1 << bits) - 1
      value = byte & most
      return value if value < most

      shift = 0
      loop do
        next_byte = byte
        value += (next_byte & 127) << shift
        shift += 7
        return value if next_byte < 128
        raise Violation, 'an integer of too many bytes' if shift > 28
      end
    end

    def text
      coded = @block.getbyte(@at).to_i >= 128
      length = integer(7)
      raise Violation, 'a string beyond the end' if @at + length > @block.bytesize

      bytes = @block.byteslice(@at, length)
      @at += length
      coded ? plain(bytes) : bytes
    end

    def plain(bytes)
      output = ''.b
      code = +''
      bytes.unpack1('B*').each_char do |bit|
        next unless (symbol = SYMBOLS[code << bit])
        raise Violation, 'EOS in a string' if symbol == EOS

        output << symbol
        code.clear
      end
      raise Violation, "padding #{code}" if code.include?('0') || code.size > 7

      output
    end
  end
end
