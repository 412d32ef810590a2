# frozen_string_literal: true

require 'socket'

module HttpServer
  # A client that sends what it is told, byte by byte if need be, and reads responses as strictly as they are
  # to be: it shares no code with the server. In a fiber it waits as the scheduler has it, elsewhere it blocks;
  # the watchdog of the suite is its time limit.
  class Client
    # @param address [String] as http://127.0.0.1:80, https://…, unix:///path
    # @param tls [Hash] alpn: Array<String>, name: String (SNI), and settings of the SSLContext
    def self.open(address, tls: {}, receive_buffer: nil)
      scheme, rest = address.split('://', 2)
      socket = scheme.start_with?('unix') ? UNIXSocket.new(rest) : tcp(rest, receive_buffer)
      new(scheme == 'https' || scheme.end_with?('+tls') ? secure(socket, **tls) : socket)
    end

    def self.tcp(text, receive_buffer)
      host, port = text.match(/\A\[?(.+?)\]?:(\d+)\z/).captures
      address = Addrinfo.tcp(host, port)
      socket = Socket.new(address.pfamily, Socket::SOCK_STREAM, 0)
      socket.setsockopt(:SOCKET, :RCVBUF, receive_buffer) if receive_buffer
      socket.setsockopt(:TCP, :NODELAY, 1)
      socket.connect(address)
      socket
    end

    def self.secure(socket, alpn: nil, name: nil, **settings)
      require 'openssl'
      context = OpenSSL::SSL::SSLContext.new
      context.verify_mode = OpenSSL::SSL::VERIFY_NONE
      context.alpn_protocols = alpn if alpn
      settings.each { |setting, value| context.public_send(:"#{setting}=", value) }
      ssl = OpenSSL::SSL::SSLSocket.new(socket, context)
      ssl.sync_close = true
      ssl.hostname = name if name
      ssl.connect
    end
    private_class_method :tcp, :secure

    # @return [Socket, UNIXSocket, OpenSSL::SSL::SSLSocket]
    attr_reader :io

    def initialize(io)
      @io = io
      @buffer = ''.b
    end

    # Sends bytes.
    def <<(bytes)
      @io.write(bytes)
      self
    end

    # Sends a request with Host, and Content-Length if there is a body.
    def send_request(method, path = '/', headers: {}, body: nil)
      headers = { 'Host' => 'localhost', **headers }
      headers['Content-Length'] ||= body.bytesize.to_s if body
      self << "#{method} #{path} HTTP/1.1\r\n#{headers.map { |name, value| "#{name}: #{value}\r\n" }.join}\r\n#{body}"
    end

    # @return [Response] to it, informational ones left out
    def request(method, path = '/', **options)
      send_request(method, path, **options)
      response = self.response(head: method == 'HEAD')
      response = self.response(head: method == 'HEAD') while response.status.between?(100, 199) && response.status != 101
      response
    end

    def get(path = '/', **options) = request('GET', path, **options)

    # @return [Response] the next one
    # @raise [RuntimeError] for what is no response
    def response(head: false)
      Response.read(self, head: head)
    end

    # @return [String] up to and with +mark+
    def read_until(mark)
      more until (at = @buffer.index(mark))
      @buffer.slice!(0, at + mark.bytesize)
    end

    # @return [String] of +length+ bytes
    def read(length)
      more while @buffer.bytesize < length
      @buffer.slice!(0, length)
    end

    # @return [String] all that comes until the server closes the connection
    # @raise [SystemCallError] when it resets it
    def rest
      loop { more }
      @buffer.slice!(0..)
    end

    # Raises StopIteration at the end.
    def more
      @buffer << @io.readpartial(65_536)
    rescue EOFError
      raise StopIteration, "the server has closed the connection after #{@buffer.inspect}"
    end

    # @return [String] what is left of a chunked body
    def rest_of_chunks
      body = +''
      until (size = read_until("\r\n").hex).zero?
        body << read(size)
        read(2)
      end
      read(2)
      body
    end

    # @return [Boolean] whether the server closes the connection without sending more
    def closed_by_server? = rest.empty?

    # Sends no more.
    def finish
      (@io.respond_to?(:to_io) ? @io.to_io : @io).close_write
    end

    # Closes the connection with a reset.
    def reset
      socket = @io.to_io
      socket.setsockopt(:SOCKET, :LINGER, [1, 0].pack('ii'))
      socket.close
    end

    def close
      @io.close unless @io.closed?
    end
  end

  # A response, as it was on the wire.
  class Response
    STATUS_LINE = %r{\AHTTP/1\.([01]) (\d{3}) ([\t\x20-\x7e]*)\r\n\z}n
    FIELD = /\A([!#$%&'*+\-.^_`|~0-9a-z]+): ?([\t\x20-\x7e\x80-\xff]*)\r\n\z/n

    # @return [Integer]
    attr_reader :status
    # @return [String] "1.0" or "1.1"
    attr_reader :version
    # @return [Array<Array(String, String)>] in their order
    attr_reader :fields, :trailers
    # @return [String, nil] nil where there can be none
    attr_reader :body
    # @return [Array<String>, nil] pieces of a chunked body
    attr_reader :chunks

    def self.read(client, head: false) = new.tap { |response| response.read(client, head) }

    # @return [String, nil] the value of a field, of several joined
    def [](name)
      values = fields.filter_map { |key, value| value if key == name }
      values.join(', ') unless values.empty?
    end

    def read(client, head)
      read_status(client.read_until("\r\n"))
      @fields = read_fields(client)
      @trailers = []
      @body = bodiless?(head) ? nil : read_body(client)
    end

    # @return [Boolean] whether the connection stays open
    def keep_alive? = version == '1.1' ? self['connection'] != 'close' : self['connection'] == 'keep-alive'

    private

    def read_status(line)
      raise "no status line: #{line.inspect}" unless (match = STATUS_LINE.match(line))

      @version = "1.#{match[1]}"
      @status = Integer(match[2])
    end

    def read_fields(client)
      fields = []
      until (line = client.read_until("\r\n")) == "\r\n"
        raise "no field: #{line.inspect}" unless (match = FIELD.match(line))

        fields << match.captures
      end
      fields
    end

    def bodiless?(head)
      length = self['content-length']
      raise "two lengths: #{fields}" if length && (self['transfer-encoding'] || !length.match?(/\A\d+\z/))

      head || status < 200 || [204, 304].include?(status)
    end

    def read_body(client)
      return read_chunks(client) if self['transfer-encoding'] == 'chunked'

      self['content-length'] ? client.read(Integer(self['content-length'], 10)) : client.rest
    end

    def read_chunks(client)
      @chunks = []
      until (size = client.read_until("\r\n")[/\A(\h+)\r\n\z/, 1].hex).zero?
        @chunks << client.read(size)
        raise 'a chunk is longer than it says' unless client.read(2) == "\r\n"
      end
      @trailers = read_fields(client)
      @chunks.join
    end
  end
end
