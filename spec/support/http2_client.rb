# frozen_string_literal: true

require_relative 'http_client'
require_relative 'http2_hpack'
require_relative 'http2_frames'

# HTTP/2 for specs.
module HTTP2Wire
  # A client that sends whatever it is told, right or wrong, and takes only what RFC 9113 allows a server to send:
  # order of frames, windows, fields, lengths. It shares no code with the server. In a fiber it waits as the
  # scheduler has it, elsewhere it blocks.
  class Client
    include Sending
    include Checking

    # Seconds in which something must come.
    PATIENCE = Float(ENV.fetch('POLYPHONY_PATIENCE', 20))

    # @param address [String] as http://127.0.0.1:80, https://…, unix:///path
    # @param options [Hash] see {#initialize}
    def self.open(address, tls: {}, receive_buffer: nil, **options)
      new(HttpServer::Client.open(address, tls: { alpn: %w[h2], **tls }, receive_buffer: receive_buffer).io, **options)
    end

    # @return [Socket, UNIXSocket, OpenSSL::SSL::SSLSocket]
    attr_reader :io
    # @return [Hash{Integer => Exchange}] by stream
    attr_reader :streams
    # @return [Hash{Integer => Numeric}] the server's settings
    attr_reader :server_settings
    # @return [Frame, nil] the last GOAWAY
    attr_reader :goaway
    # @return [Array<Frame>] all that came, DATA without its payload, if asked for by {#initialize}
    attr_reader :seen
    # @return [HTTP2Hpack::Decoder] of what the server sends
    attr_reader :decoder

    # @param settings [Hash{Integer, Symbol => Integer}] ours
    # @param start [Boolean] whether to send the preface, and wait for the server's settings
    # @param window [Symbol] :open gives back all that came at once, :held nothing
    # @param acknowledge [Boolean] settings and pings
    # @param patience [Numeric, nil]
    def initialize(io, settings: {}, start: true, window: :open, acknowledge: true, patience: PATIENCE, record: false)
      @io = io
      @buffer = ''.b
      @streams = {}
      @server_settings = { 1 => 4096, 3 => Float::INFINITY, 4 => 65_535, 5 => 16_384, 6 => Float::INFINITY }
      @ours = { 1 => 4096, 4 => 65_535, 5 => 16_384 }
      @pending_settings = []
      @windows = Hash.new { |all, stream| all[stream] = stream.zero? ? 65_535 : @server_settings[4] } # what we may send
      @given = Hash.new { |all, stream| all[stream] = stream.zero? ? 65_535 : @ours[4] } # what the server may
      @decoder = HTTP2Hpack::Decoder.new
      @open = window == :open
      @acknowledge = acknowledge
      @patience = patience
      @seen = [] if record
      @next = 1
      begin_connection(settings) if start
    end

    # Sends bytes. Where the server has gone, reading tells.
    def <<(bytes)
      @io.write(bytes)
      self
    rescue Errno::EPIPE, Errno::ECONNRESET, OpenSSL::SSL::SSLError
      @broken = true
      self
    end

    # @return [Boolean] whether something could not be sent any more
    def broken? = @broken ? true : false

    # Sends the preface and our settings, and takes the server's.
    def begin_connection(settings = {})
      self << PREFACE
      settings(settings)
      take until @settings_came
      self
    end

    # @return [Integer] a stream that was not used
    def new_stream
      @next.tap { @next += 2 }
    end

    # Sends a request.
    #
    # @param fields [Array<Array(String, String)>, Hash] further ones
    # @param body [String, nil]
    # @return [Integer] its stream
    def send_request(method = 'GET', path = '/', fields: [], body: nil, trailers: nil, finish: true, length: true, stream: new_stream)
      head = self.head(method, path, fields)
      head << ['content-length', body.bytesize.to_s] if body && length
      headers(stream, head, end_stream: finish && body.nil? && trailers.nil?)
      upload(stream, body, finish: finish && trailers.nil?) if body
      headers(stream, trailers, end_stream: true) if trailers
      stream
    end

    # @return [Array<Array(String, String)>] the fields of a request
    def head(method = 'GET', path = '/', fields = [])
      [[':method', method], [':scheme', @io.is_a?(OpenSSL::SSL::SSLSocket) ? 'https' : 'http'], [':authority', 'localhost'], [':path', path], *fields.to_a]
    end

    # Sends a request and waits for the answer.
    # @return [Exchange]
    def request(...) = response(send_request(...))

    # @return [Exchange]
    def get(path = '/', **options) = request('GET', path, **options)

    # Sends a body, as far as the server's windows let us: waits for more.
    def upload(stream, body, finish: true)
      at = 0
      while at < body.bytesize
        take while (size = [@windows[0], @windows[stream], @server_settings[5], body.bytesize - at].min) <= 0 && !over?(stream)
        return if over?(stream)

        data(stream, body.byteslice(at, size), end_stream: finish && at + size == body.bytesize)
        at += size
      end
      data(stream, '', end_stream: true) if body.empty? && finish
    end

    # @return [Exchange] when it is over: answered, or reset
    # @raise [Closed] when the connection ends before that
    def response(stream)
      take until @streams[stream]&.over?
      @streams[stream]
    end

    # @return [Exchange] when its header has come
    def header_of(stream)
      take until @streams[stream]&.fields || @streams[stream]&.over?
      @streams[stream]
    end

    # @return [String] the first +size+ bytes of the body
    def body_of(stream, size)
      take until @streams[stream].over? || (@streams[stream].body&.bytesize || 0) >= size
      @streams[stream].body.to_s.byteslice(0, size)
    end

    # Waits until the server has taken all that we have sent: it answers in order.
    def sync(opaque = [rand(1 << 60)].pack('Q>'))
      ping(opaque)
      take_until { |frame| frame.type == :PING && frame.flags.anybits?(1) && frame.payload == opaque }
      self
    end

    # Takes frames until the block is true for one.
    # @return [Frame]
    def take_until
      loop_frames { |frame| return frame if yield frame }
    end

    # Waits for GOAWAY, and the end of the connection, and closes it.
    # @return [Symbol] the name of its code
    def connection_error
      loop_frames { nil }
    rescue Closed
      close
      raise unless @goaway

      @goaway.code
    end

    # @return [Boolean] whether the server closes the connection, without GOAWAY or with one of NO_ERROR
    def closed_by_server?
      %i[NO_ERROR].include?(connection_error)
    rescue Closed
      true
    end

    # Gives the server +size+ bytes for the connection and the stream.
    def grant(size, stream = nil)
      [0, *stream].each { |id| window_update(id, size) }
    end

    # Takes one frame, and looks at it as a client must.
    # @return [Frame]
    # @raise [Closed] at the end of the connection
    # @raise [Violation] for what no server may send
    def take
      frame = read_frame
      @seen << frame if @seen
      check(frame)
      frame
    end

    # Takes all that has come, without waiting.
    def take_available
      take while @buffer.bytesize >= 9 || readable?(0)
    end

    # Sends +bytes+ again and again, or what the block makes, until the server has had enough.
    #
    # @param limit [Integer] bytes
    # @param read [Boolean] whether to take from the kernel what the server sends meanwhile
    # @return [Symbol] :cut when it has closed the connection, :held when it takes no more, :all
    def flood(bytes = nil, limit: 32 << 20, read: true, patience: 1)
      sent = 0
      rest = ''.b
      while sent < limit
        rest = bytes || yield if rest.empty?
        drain if read
        written = @io.write_nonblock(rest, exception: false)
        if written.is_a?(Integer)
          sent += written
          rest = rest.byteslice(written..)
        elsif !@io.wait(read ? IO::READABLE | IO::WRITABLE : IO::WRITABLE, patience)
          return :held
        end
      end
      :all
    rescue Errno::EPIPE, Errno::ECONNRESET, EOFError
      :cut
    end

    # @return [String] all that comes until the connection ends, as bytes
    def read_to_end
      loop { more }
    rescue Closed
      @buffer.slice!(0..)
    end

    # @return [Integer] bytes that we may send on a stream, or on the connection (0)
    def window(stream) = @windows[stream]

    # Closes the connection with a reset.
    def reset
      socket = @io.to_io
      socket.setsockopt(:SOCKET, :LINGER, [1, 0].pack('ii'))
      socket.close
    end

    def close
      @io.to_io.close unless @io.to_io.closed?
    end

    private

    def over?(stream) = @streams[stream]&.over?

    def loop_frames
      yield take while true # rubocop:disable Style/WhileUntilModifier
    end

    def read_frame
      length = (read(3).unpack('Cn').then { |high, low| (high << 16) | low })
      type, flags, stream = read(6).unpack('CCN')
      Frame.new(TYPES[type] || type, flags, stream & 0x7fffffff, read(length))
    end

    def read(length)
      more while @buffer.bytesize < length
      @buffer.slice!(0, length)
    end

    # Takes what has come, without looking at it.
    def drain
      while (bytes = @io.read_nonblock(65_536, exception: false)).is_a?(String)
        @buffer << bytes
      end
      raise EOFError if bytes.nil?
    end

    def more
      raise Late, "nothing has come for #{@patience} s" if @patience && !readable?(@patience)

      @buffer << @io.readpartial(65_536)
    rescue EOFError, Errno::ECONNRESET, Errno::EPIPE => e
      raise Closed, "the server has closed the connection (#{e.class}; GOAWAY: #{@goaway.inspect})"
    rescue OpenSSL::SSL::SSLError => e
      raise Closed, "the server has closed the connection (#{e.message})"
    end

    def readable?(seconds)
      return true if @io.respond_to?(:pending) && @io.pending.positive?

      @io.to_io.wait_readable(seconds)
    end
  end
end
