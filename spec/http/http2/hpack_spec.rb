# frozen_string_literal: true

require_relative '../../support/http2_server'

# RFC 7541: what a decoder must take, what it must not, and what our encoder does.
HTTP2Server.describe 'HTTP/2: HPACK' do
  hpack = HTTP2Hpack

  # @return [HTTP2Wire::Exchange] the answer to a request whose block ends with these bytes
  def with(client, bytes, before: '')
    stream = client.new_stream
    client.headers(stream, before.b + HTTP2Hpack.encode(client.head) + bytes.b)
    client.response(stream)
  end

  describe 'each representation is taken' do
    {
      'an indexed field (6.1)' => hpack.indexed(16), 'a literal with indexing, and an indexed name (6.2.1)' => hpack.literal(58, 'agent', as: :indexing),
      'a literal with indexing, and a new name (6.2.1)' => hpack.literal('x-new', 'v', as: :indexing),
      'a literal without indexing, and an indexed name (6.2.2)' => hpack.literal(58, 'agent'),
      'a literal without indexing, and a new name (6.2.2)' => hpack.literal('x-new', 'v'),
      'a literal never indexed, and an indexed name (6.2.3)' => hpack.literal(58, 'agent', as: :never),
      'a literal never indexed, and a new name (6.2.3)' => hpack.literal('x-new', 'v', as: :never),
      'an empty value' => hpack.literal('x-new', ''), 'a value in the code of Huffman' => hpack.literal('x-new', 'some text, 0123456789', huffman: true),
      'a literal with indexing in the code of Huffman' => hpack.literal('x-new', 'value', as: :indexing, huffman: true),
      'a long value' => hpack.literal('x-new', 'v' * 5000), 'a value of bytes above 0x7f' => hpack.literal('x-new', "\xc3\xa9\xff".b, huffman: true),
      'an entry that is larger than the table' => hpack.literal('x-new', 'v' * 5000, as: :indexing)
    }.each do |title, bytes|
      it title do
        client = h2
        expect(with(client, bytes).status).to eq(200)
        expect(with(client, bytes).status).to eq(200)
      end
    end

    it 'a size update (6.3), and two of them (4.2)' do
      client = h2
      expect(with(client, '', before: hpack.size_update(128)).status).to eq(200)
      expect(with(client, '', before: hpack.size_update(0) + hpack.size_update(4096)).status).to eq(200)
      expect(with(client, hpack.literal('a', 'b', as: :indexing)).status).to eq(200)
      expect(with(client, hpack.indexed(62)).status).to eq(200)
    end
  end

  it 'the table is one for all streams of a connection, the newest entry first, and old ones leave' do
    client = h2
    40.times { |i| with(client, hpack.literal('x-entry', "#{i} #{'v' * 200}", as: :indexing)) }
    expect(with(client, [62, 70, 77].map { |index| hpack.indexed(index) }.join).status).to eq(200)
    client.headers(client.new_stream, hpack.encode(client.head) + hpack.indexed(62 + 20))
    expect_connection_error(client, :COMPRESSION_ERROR)
  end

  describe 'what is none is COMPRESSION_ERROR:' do
    {
      'index 0 (6.1)' => hpack.indexed(0), 'an index beyond the tables (2.3.3)' => hpack.indexed(70), 'a name beyond the tables (2.3.3)' => hpack.literal(70, 'v'),
      'a name beyond the tables, to be indexed' => hpack.literal(70, 'v', as: :indexing),
      'a size update behind a field (4.2)' => hpack.size_update(0), 'a size update beyond the limit (6.3)' => :limit,
      'padding longer than 7 bits (5.2)' => "\x00\x01a\x82\x1f\xff".b,
      'padding that is not all ones (5.2)' => "\x00\x01a\x81\x18".b, 'EOS in a string (5.2)' => "\x00\x01a\x84\xff\xff\xff\xff".b,
      'a string that is longer than the block' => "\x00\x01a\x7fbc".b, 'a block that ends within a field' => "\x00\x05abcde".b,
      'a block that ends within an integer' => "\x00\x7f\xff".b, 'an integer of too many bytes (5.1)' => "\xff\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01".b,
      'an integer beyond 2^32' => "\xff\xff\xff\xff\xff\xff\xff\xff\x7f".b, 'a length beyond 2^32' => "\x00\x7f\xff\xff\xff\xff\x7fab".b
    }.each do |title, bytes|
      it title do
        client = h2
        block = bytes == :limit ? hpack.size_update(client.server_settings[1] + 1) + hpack.encode(client.head) : hpack.encode(client.head) + bytes
        client.headers(client.new_stream, block)
        expect_connection_error(client, :COMPRESSION_ERROR)
      end
    end
  end

  describe 'what the server sends' do
    it 'keeps to a smaller table, and says so, as soon as that is asked for (4.2)' do
      client = h2
      3.times { expect(client.get.status).to eq(200) }
      client.settings({ HEADER_TABLE_SIZE: 64 })
      3.times { expect(client.get.status).to eq(200) } # the client looks for the size update
      expect(client.decoder.size).to be <= 64
      client.settings({ HEADER_TABLE_SIZE: 0 })
      3.times { expect(client.get.status).to eq(200) }
      expect(client.decoder.size).to eq(0)
      client.settings({ HEADER_TABLE_SIZE: 4096 })
      3.times { expect(client.get.status).to eq(200) }
    end

    it 'shrinks when it is sent again' do
      client = h2(record: true)
      3.times { client.get }
      sizes = client.seen.select { |frame| frame.type == :HEADERS }.map { |frame| frame.payload.bytesize }
      expect(sizes.last).to be < sizes.first
    end
  end
end
