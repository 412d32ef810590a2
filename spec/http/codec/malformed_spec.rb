# frozen_string_literal: true

require_relative '../../support/http_codec'

# Everything that could be read in two ways is refused, whatever the version of llhttp, at the same place
# however it arrives, and with the right status. To see one fail, take the rule away (ext/http/http1_rules.c,
# http1_target.c).
RSpec.describe 'HTTP/1 requests that are refused', :codec do
  host = "Host: a\r\n"
  get = "GET / HTTP/1.1\r\n#{host}"
  post = "POST / HTTP/1.1\r\n#{host}"
  chunked = "#{post}Transfer-Encoding: chunked\r\n\r\n"

  table = {
    'the request line' => {
      400 => {
        'nothing that looks like a request' => "\x16\x03\x01\x02\x00\x01",
        'no method' => " / HTTP/1.1\r\n#{host}\r\n",
        'a control character in the method' => "GE\x01T / HTTP/1.1\r\n#{host}\r\n",
        'a NUL first' => "\0GET / HTTP/1.1\r\n#{host}\r\n",
        'HTTP/0.9' => "GET /\r\n\r\n",
        'HTTP/0.9 with a bare LF' => "GET /x\nHost: a\r\n\r\n",
        'HTTP/0.9, before anything more comes' => "GET /\r\n",
        'HTTP/0.9 with a bare LF, before anything more comes' => "GET /\n",
        'HTTP/0.9 and a space' => "GET / \r\n\r\n",
        'two spaces before the target' => "GET  / HTTP/1.1\r\n#{host}\r\n",
        'two spaces before the version' => "GET /  HTTP/1.1\r\n#{host}\r\n",
        'a tab for a space' => "GET\t/ HTTP/1.1\r\n#{host}\r\n",
        'a tab before the version' => "GET /\tHTTP/1.1\r\n#{host}\r\n",
        'a space behind the version' => "GET / HTTP/1.1 \r\n#{host}\r\n",
        'a bare LF behind the version' => "GET / HTTP/1.1\n#{host}\r\n",
        'a bare CR behind the version' => "GET / HTTP/1.1\rHost: a\r\n\r\n",
        'lower case http' => "GET / http/1.1\r\n#{host}\r\n",
        'HTTPS' => "GET / HTTPS/1.1\r\n#{host}\r\n",
        'RTSP' => "OPTIONS / RTSP/1.0\r\n#{host}\r\n",
        'ICE' => "GET / ICE/1.0\r\n#{host}\r\n",
        'a version of letters' => "GET / HTTP/a.b\r\n#{host}\r\n",
        'a version without a minor' => "GET / HTTP/1\r\n#{host}\r\n",
        'a version with a comma' => "GET / HTTP/1,1\r\n#{host}\r\n",
        'a version of two digits' => "GET / HTTP/1.10\r\n#{host}\r\n",
        'a LF first' => "\nGET / HTTP/1.1\r\n#{host}\r\n",
        'a CR first' => "\rGET / HTTP/1.1\r\n#{host}\r\n",
        'empty lines without end' => "\r\n" * 30
      },
      501 => {
        'a method that nobody knows' => "BREW / HTTP/1.1\r\n#{host}\r\n",
        'a method in lower case' => "get / HTTP/1.1\r\n#{host}\r\n",
        'a method with a known beginning' => "GETS / HTTP/1.1\r\n#{host}\r\n",
        'a response' => "HTTP/1.1 200 OK\r\n\r\n",
        'a method of RTSP' => "SETUP / HTTP/1.1\r\n#{host}\r\n",
        'a method of ICE' => "SOURCE / HTTP/1.1\r\n#{host}\r\n"
      },
      505 => {
        'HTTP/0.9 by its name' => "GET / HTTP/0.9\r\n#{host}\r\n",
        'HTTP/1.2' => "GET / HTTP/1.2\r\n#{host}\r\n",
        'HTTP/2.0' => "GET / HTTP/2.0\r\n#{host}\r\n",
        'HTTP/3.0' => "GET / HTTP/3.0\r\n#{host}\r\n",
        'HTTP/9.9' => "GET / HTTP/9.9\r\n#{host}\r\n",
        'the preface of HTTP/2' => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
      }
    },
    'the target' => {
      400 => {
        'no slash' => "GET index.html HTTP/1.1\r\n#{host}\r\n",
        'a fragment' => "GET /#top HTTP/1.1\r\n#{host}\r\n",
        'a byte above 0x7e' => "GET /\xff HTTP/1.1\r\n#{host}\r\n".b,
        'UTF-8' => "GET /é HTTP/1.1\r\n#{host}\r\n".b,
        'DEL' => "GET /\x7f HTTP/1.1\r\n#{host}\r\n",
        'NUL' => "GET /\0 HTTP/1.1\r\n#{host}\r\n",
        'a bare CR' => "GET /\rx HTTP/1.1\r\n#{host}\r\n",
        'another scheme' => "GET ftp://a/ HTTP/1.1\r\n#{host}\r\n",
        'a file' => "GET file:///etc/passwd HTTP/1.1\r\n#{host}\r\n",
        'no authority' => "GET http:///x HTTP/1.1\r\n#{host}\r\n",
        'a scheme without slashes' => "GET http:a/x HTTP/1.1\r\n#{host}\r\n",
        'a user in the authority' => "GET http://me@a/ HTTP/1.1\r\n#{host}\r\n",
        'a wrong port' => "GET http://a:99999/ HTTP/1.1\r\nHost: a:99999\r\n\r\n",
        'an authority that is not Host' => "GET http://b/ HTTP/1.1\r\n#{host}\r\n",
        'an authority of the length of Host' => "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        '* with a method other than OPTIONS' => "GET * HTTP/1.1\r\n#{host}\r\n",
        '* and more' => "OPTIONS *x HTTP/1.1\r\n#{host}\r\n",
        'an authority with a method other than CONNECT' => "GET a:80 HTTP/1.1\r\n#{host}\r\n",
        'CONNECT to a path' => "CONNECT / HTTP/1.1\r\n#{host}\r\n",
        'CONNECT without a port' => "CONNECT a HTTP/1.1\r\n#{host}\r\n",
        'CONNECT to port 0' => "CONNECT a:0 HTTP/1.1\r\nHost: a:0\r\n\r\n",
        'CONNECT to a URI' => "CONNECT http://a:80 HTTP/1.1\r\n#{host}\r\n",
        'CONNECT with a body' => "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 1\r\n\r\nx",
        'CONNECT with chunks' => "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      }
    },
    'header fields' => {
      400 => {
        'a space before the colon' => "#{get}X : 1\r\n\r\n",
        'a tab before the colon' => "#{get}X\t: 1\r\n\r\n",
        'a space in the name' => "#{get}X Y: 1\r\n\r\n",
        'a space before the first name' => "GET / HTTP/1.1\r\n #{host}\r\n",
        'no colon' => "#{get}X\r\n\r\n",
        'an empty name' => "#{get}: 1\r\n\r\n",
        'a folded field' => "#{get}X: 1\r\n 2\r\n\r\n",
        'a field folded by a tab' => "#{get}X: 1\r\n\t2\r\n\r\n",
        'a folded line of spaces' => "#{get}X: 1\r\n \r\n\r\n",
        'a bare LF between fields' => "#{get}X: 1\nY: 2\r\n\r\n",
        'a bare LF at the end of the head' => "#{get}X: 1\r\n\n",
        'bare LFs at the end of the head' => "#{get}X: 1\n\n",
        'a bare CR in a value' => "#{get}X: 1\r2\r\n\r\n",
        'a bare CR at the start of a value' => "#{get}X:\r1\r\n\r\n",
        'a CR that hides a field (CVE-2023-30589)' => "#{post}X-Abc: \rxTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n",
        'a CR that hides an end of the head' => "#{get}X: 1\r\n\r\rGET /evil HTTP/1.1\r\n#{host}\r\n",
        'two CRs at the end of a line' => "#{get}X: 1\r\r\n\r\n",
        'NUL in a value' => "#{get}X: 1\0002\r\n\r\n",
        'NUL in a name' => "#{get}X\0Y: 1\r\n\r\n",
        'a control character in a value' => "#{get}X: 1\x012\r\n\r\n",
        'a control character far in a value' => "#{get}X: #{'long ' * 20}\x1b#{'x' * 20}\r\n\r\n",
        'DEL in a value' => "#{get}X: 1\x7f\r\n\r\n",
        'a byte above 0x7e in a name' => "#{get}X\xe9: 1\r\n\r\n".b,
        'a separator in a name' => "#{get}X(Y): 1\r\n\r\n",
        'a quote in a name' => "#{get}\"X\": 1\r\n\r\n",
        'a bracket in a name' => "#{get}X[1]: 1\r\n\r\n"
      },
      417 => {
        'an expectation that nobody knows' => "#{post}Expect: miracles\r\nContent-Length: 1\r\n\r\nx",
        'an expectation more' => "#{post}Expect: 100-continue, miracles\r\nContent-Length: 1\r\n\r\nx"
      }
    },
    'Host' => {
      400 => {
        'none' => "GET / HTTP/1.1\r\n\r\n",
        'none among others' => "GET / HTTP/1.1\r\nX: 1\r\n\r\n",
        'two' => "#{get}#{host}\r\n",
        'two that differ' => "#{get}Host: b\r\n\r\n",
        'two, one in lower case' => "#{get}hoST: b\r\n\r\n",
        'two in HTTP/1.0' => "GET / HTTP/1.0\r\n#{host}#{host}\r\n",
        'an empty one' => "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        'a blank one' => "GET / HTTP/1.1\r\nHost: \t \r\n\r\n",
        'a list' => "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
        'a list without spaces' => "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n",
        'a path' => "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        'a user' => "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n",
        'a query' => "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n",
        'a fragment' => "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n",
        'a backslash' => "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n",
        'a space' => "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        'a port of letters' => "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n",
        'two ports' => "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n",
        'a port only' => "GET / HTTP/1.1\r\nHost: :80\r\n\r\n",
        'a port that is none' => "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
        'a negative port' => "GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n",
        'an open bracket' => "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
        'brackets around nothing' => "GET / HTTP/1.1\r\nHost: []\r\n\r\n",
        'brackets and more' => "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n",
        'half a percent' => "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n",
        'UTF-8' => "GET / HTTP/1.1\r\nHost: é\r\n\r\n".b
      }
    },
    'Content-Length' => {
      400 => ['', ' ', '-1', '+1', '0x1', '1,1', '1, 1', '1 1', '1.0', '1e1', 'a', '1a', '1;', '"1"', '１', '1_0', "1\t",
              '18446744073709551616', '99999999999999999999', '9223372036854775808', "1\t1", '0 1'].to_h do |value|
               [value.inspect, "#{post}Content-Length: #{value}\r\n\r\nx".b]
             end.merge(
               'two that agree' => "#{post}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
               'two that differ' => "#{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx",
               'two, one in upper case' => "#{post}Content-Length: 1\r\nCONTENT-LENGTH: 1\r\n\r\nx",
               'two, both 0' => "#{post}Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
               'with Transfer-Encoding' => "#{post}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               'behind Transfer-Encoding' => "#{post}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n",
               '0 with Transfer-Encoding' => "#{post}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
             )
    },
    'Transfer-Encoding' => {
      400 => ['', 'identity', 'identity, chunked', 'chunked, identity', 'chunked, chunked', 'chunked,', ',chunked', 'chunked;q=1',
              'xchunked', 'chunkedx', 'chunked x', 'chunke', '"chunked"', "'chunked'", 'gzip', 'gzip, identity', 'chunked, gzip',
              "\vchunked", "chunked\v", "chunked\t", "\0chunked", 'x-custom, chunked', "chunked\t, x", 'gzip;chunked'].to_h do |value|
               [value.inspect, "#{post}Transfer-Encoding: #{value}\r\n\r\n0\r\n\r\n"]
             end.merge(
               'two' => "#{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               'two that differ' => "#{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
               'two, identity first' => "#{post}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               'in HTTP/1.0' => "POST / HTTP/1.0\r\n#{host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
               'a space before its colon' => "#{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
               'on a folded line' => "#{post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
               'a space before its name' => "#{post}X: 1\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
             ),
      501 => ['gzip, chunked', 'deflate,chunked', 'GZIP , Chunked'].to_h do |value|
               [value.inspect, "#{post}Transfer-Encoding: #{value}\r\n\r\n0\r\n\r\n"]
             end
    }
  }

  table.each do |title, statuses|
    describe title do
      statuses.each do |status, cases|
        cases.each do |name, bytes|
          it "#{name}: #{status}" do
            events = read_every_way(bytes)
            expect(events.map { |event| event.first(2) }).to eq([[:error, status]])
            expect(events.dig(0, 2)).not_to be_empty
          end
        end
      end
    end
  end

  # The head is all right.
  chunks = {
    400 => {
      'no size' => "\r\n0\r\n\r\n",
      'no number' => "x\r\n",
      'a sign' => "+1\r\na\r\n0\r\n\r\n",
      'a negative size' => "-1\r\na\r\n0\r\n\r\n",
      'a hexadecimal prefix' => "0x1\r\na\r\n0\r\n\r\n",
      'an underscore' => "1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
      'a space before the size' => " 1\r\na\r\n0\r\n\r\n",
      'a space behind the size' => "1 \r\na\r\n0\r\n\r\n",
      'a tab behind the size' => "1\t\r\na\r\n0\r\n\r\n",
      'two numbers' => "1 1\r\na\r\n0\r\n\r\n",
      'a size that is too large' => "fffffffffffffffff\r\na",
      'a size that overflows' => "10000000000000001\r\na\r\n0\r\n\r\n",
      'a size of 64 bits' => "ffffffffffffffff\r\na",
      'a size with zeros before it' => "#{'0' * 20}1\r\na\r\n0\r\n\r\n",
      'a bare LF behind the size' => "1\na\r\n0\r\n\r\n",
      'a bare CR behind the size' => "1\ra\r\n0\r\n\r\n",
      'two CRs behind the size' => "1\r\r\na\r\n0\r\n\r\n",
      'NUL behind the size' => "1\0\r\na\r\n0\r\n\r\n",
      'more data than the size' => "1\r\nab\r\n0\r\n\r\n",
      'less data than the size' => "3\r\na\r\n0\r\n\r\n",
      'no CRLF behind the data' => "1\r\na0\r\n\r\n",
      'a bare LF behind the data' => "1\r\na\n0\r\n\r\n",
      'a bare CR behind the data' => "1\r\na\r0\r\n\r\n",
      'an extension without a name' => "1;\r\na\r\n0\r\n\r\n",
      'an extension with a space' => "1; x\r\na\r\n0\r\n\r\n",
      'a space before an extension' => "1 ;x\r\na\r\n0\r\n\r\n",
      'an extension without a value' => "1;x=\r\na\r\n0\r\n\r\n",
      'an extension with an open quote' => "1;x=\"y\r\na\r\n0\r\n\r\n",
      'an escaped quote' => "1;x=\"y\\\"z\"\r\na\r\n0\r\n\r\n",
      'a quote and more' => "1;x=\"y\"z\r\na\r\n0\r\n\r\n",
      'a control character in an extension' => "1;x=\x01\r\na\r\n0\r\n\r\n",
      'a control character in a quote' => "1;x=\"\x01\"\r\na\r\n0\r\n\r\n",
      'a bare LF in an extension' => "1;x\ny\r\na\r\n0\r\n\r\n",
      'a bare LF in a quote' => "1;x=\"\n\"\r\na\r\n0\r\n\r\n",
      'a bare CR in an extension' => "1;x\ry\r\na\r\n0\r\n\r\n",
      'an extension that is too long' => "1;#{'x' * 300}\r\na\r\n0\r\n\r\n",
      'an extension without end' => "1;#{'x' * 100_000}",
      'a bare LF at the end' => "0\r\n\n",
      'bare LFs at the end' => "0\n\n",
      'a bare CR at the end' => "0\r\n\rX: 1\r\n\r\n",
      'a trailer with a bare LF' => "0\r\nX: 1\n\r\n",
      'a trailer with a bare CR' => "0\r\nX: 1\rY: 2\r\n\r\n",
      'a trailer without a colon' => "0\r\nX\r\n\r\n",
      'a trailer with a space before the colon' => "0\r\nX : 1\r\n\r\n",
      'a folded trailer' => "0\r\nX: 1\r\n 2\r\n\r\n",
      'an empty name in the trailers' => "0\r\n: 1\r\n\r\n",
      'a control character in a trailer' => "0\r\nX: \x01\r\n\r\n",
      'Content-Length in the trailers' => "0\r\nContent-Length: 5\r\n\r\n",
      'Transfer-Encoding in the trailers' => "0\r\nTransfer-Encoding: chunked\r\n\r\n",
      'Host in the trailers' => "0\r\nHost: b\r\n\r\n"
    },
    431 => {
      'trailers that are too long' => "0\r\nX: #{'1' * 9000}\r\n\r\n",
      'trailers without end' => "0\r\n#{"X: 1\r\n" * 5000}",
      'too many trailers' => "0\r\n#{"X: 1\r\n" * 21}\r\n"
    }
  }

  describe 'chunks' do
    chunks.each do |status, cases|
      cases.each do |name, bytes|
        it "#{name}: #{status}" do
          events = read_every_way(chunked + bytes)
          expect(events.first.first).to eq(:head)
          expect(events.map(&:first) - [:head, :body]).to eq([:error])
          expect(events.last[1]).to eq(status)
        end
      end
    end
  end

  it 'says the same again, and reads nothing more' do
    reading = Support::HTTPCodec::Reading.new
    reading.feed("BREW / HTTP/1.1\r\n\r\n")
    2.times do
      expect { reading.parser.next_head }.to raise_error(Polyphony::HTTP::ProtocolError, 'unknown method') { |e| expect(e.status).to eq(501) }
      expect { reading.parser.read_body }.to raise_error(Polyphony::HTTP::ProtocolError, 'unknown method')
    end
    buffered = reading.parser.buffered
    reading.parser.feed("#{get}\r\n")
    expect(reading.parser.buffered).to eq(buffered)
    expect { reading.parser.next_head }.to raise_error(Polyphony::HTTP::ProtocolError)
    expect(reading.parser).to be_failed
  end

  it 'refuses the second of two pipelined requests, and gives the first' do
    events = read_every_way("#{get}\r\n#{get}Host: b\r\n\r\n#{get}\r\n")
    expect(events.map { |event| event.first(2) }).to match([[:head, Hash], [:end, {}], [:error, 400]])
  end
end
