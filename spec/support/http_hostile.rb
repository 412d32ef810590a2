# frozen_string_literal: true

# Requests that are none, or that two parsers could read in two ways, with the status that each is to get. They
# are gathered from what has been found in servers and proxies (request smuggling by the two lengths, by
# variants of Transfer-Encoding, by line ends; see RFC 9112, section 11.2), and from the grammar of RFC 9110
# and 9112: each rule broken once.
module HttpHostile
  H = "Host: localhost\r\n"
  GET = "GET / HTTP/1.1\r\n#{H}"
  POST = "POST / HTTP/1.1\r\n#{H}"
  CHUNKED = "#{POST}Transfer-Encoding: chunked\r\n\r\n"
  # What is not to be taken for a request of its own.
  SMUGGLED = "GET /smuggled HTTP/1.1\r\n#{H}\r\n"
  private_constant :H, :GET, :POST, :CHUNKED, :SMUGGLED

  def self.request_line(line, fields = H) = "#{line}\r\n#{fields}\r\n".b
  def self.field(line) = "#{GET}#{line}\r\n\r\n".b
  def self.host(value) = "GET / HTTP/1.1\r\nHost:#{value}\r\n\r\n".b
  def self.length(value, body = 'x') = "#{POST}Content-Length:#{value}\r\n\r\n#{body}#{SMUGGLED}".b
  def self.encoding(line) = "#{POST}#{line}\r\n\r\n0\r\n\r\n#{SMUGGLED}".b
  def self.chunks(body) = "#{CHUNKED}#{body}".b
  private_class_method :request_line, :field, :host, :length, :encoding, :chunks

  # title => { status => { name => bytes } }
  HEADS = {
    'request lines' => {
      400 => {
        'HTTP/0.9' => "GET /\r\n\r\n", 'HTTP/0.9 without CR' => "GET /\n", 'HTTP/0.9 with fields' => request_line('GET /'),
        'no target' => request_line('GET HTTP/1.1'), 'no target, two spaces' => request_line('GET  HTTP/1.1'),
        'a method only' => request_line('GET'), 'a leading space' => request_line(' GET / HTTP/1.1'),
        'a leading tab' => request_line("\tGET / HTTP/1.1"),
        'two spaces' => request_line('GET  / HTTP/1.1'), 'two spaces behind' => request_line('GET /  HTTP/1.1'),
        'tabs' => request_line("GET\t/\tHTTP/1.1"), 'a vertical tab' => request_line("GET\v/ HTTP/1.1"),
        'a form feed' => request_line("GET /\fHTTP/1.1"), 'a CR for a space' => request_line("GET\r/ HTTP/1.1"),
        'a trailing space' => request_line('GET / HTTP/1.1 '), 'a trailing tab' => request_line("GET / HTTP/1.1\t"),
        'a trailing word' => request_line('GET / HTTP/1.1 x'), 'two targets' => request_line('GET / /x HTTP/1.1'),
        'two versions' => request_line('GET / HTTP/1.1 HTTP/1.1'),
        'a space in the target' => request_line('GET /a b HTTP/1.1'),
        'a bare LF' => "GET / HTTP/1.1\n#{H}\r\n", 'bare LFs everywhere' => "GET / HTTP/1.1\nHost: localhost\n\n",
        'a bare CR' => "GET / HTTP/1.1\rHost: localhost\r\n\r\n", 'bare CRs everywhere' => "GET / HTTP/1.1\rHost: localhost\r\r",
        'two CRs' => "GET / HTTP/1.1\r\r\n#{H}\r\n", 'LF and CR' => "GET / HTTP/1.1\n\r#{H}\r\n",
        'http' => request_line('GET / http/1.1'), 'Http' => request_line('GET / Http/1.1'),
        'HTTPS' => request_line('GET / HTTPS/1.1'), 'RTSP' => request_line('GET / RTSP/1.0'),
        'OPTIONS of RTSP' => request_line('OPTIONS * RTSP/1.0'), 'ICE' => request_line('SOURCE / ICE/1.0').sub('SOURCE', 'GET'),
        'SIP' => request_line('OPTIONS sip:a@b SIP/2.0'), 'HTCPCP' => request_line('GET / HTCPCP/1.0'),
        'HTTP/' => request_line('GET / HTTP/'), 'HTTP/1' => request_line('GET / HTTP/1'), 'HTTP/1.' => request_line('GET / HTTP/1.'),
        'HTTP/.1' => request_line('GET / HTTP/.1'), 'HTTP1.1' => request_line('GET / HTTP1.1'), 'HTTP 1.1' => request_line('GET / HTTP 1.1'),
        'HTTP/01.1' => request_line('GET / HTTP/01.1'), 'HTTP/1.01' => request_line('GET / HTTP/1.01'),
        'HTTP/11.1' => request_line('GET / HTTP/11.1'), 'HTTP/1.11' => request_line('GET / HTTP/1.11'),
        'HTTP/1,1' => request_line('GET / HTTP/1,1'), 'HTTP/1.1.1' => request_line('GET / HTTP/1.1.1'),
        'HTTP/-1.1' => request_line('GET / HTTP/-1.1'), 'HTTP/+1.1' => request_line('GET / HTTP/+1.1'),
        'HTTP/1.x' => request_line('GET / HTTP/1.x'), 'HTTP/a.b' => request_line('GET / HTTP/a.b'),
        'HTTP/1.1 with NUL' => request_line("GET / HTTP/1.1\0"), 'HTTP/1.¹' => request_line('GET / HTTP/1.¹'),
        'the method with NUL' => request_line("G\0ET / HTTP/1.1"), 'a NUL first' => request_line("\0GET / HTTP/1.1"),
        'the method with a control character' => request_line("G\x1bET / HTTP/1.1"), 'the method with DEL' => request_line("GET\x7f / HTTP/1.1"),
        'the method with a byte above 0x7f' => request_line("G\xc9T / HTTP/1.1"), 'the method with a colon' => request_line('GET: / HTTP/1.1'),
        'the method with a bracket' => request_line('GET( / HTTP/1.1'), 'the method with a slash' => request_line('G/T / HTTP/1.1'),
        'the method in quotes' => request_line('"GET" / HTTP/1.1'), 'the method with a comma' => request_line('GET,POST / HTTP/1.1'),
        'an empty method' => request_line(' / HTTP/1.1'), 'a TLS hello' => "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".b,
        'a BOM' => request_line("\xef\xbb\xbfGET / HTTP/1.1"),
        'nothing but empty lines' => "\r\n" * 200, 'nothing but LFs' => "\n" * 200, 'nothing but CRs' => "\r" * 200,
        'nothing but NULs' => "\0" * 200, 'a LF first' => "\n#{GET}\r\n", 'a CR first' => "\r#{GET}\r\n"
      },
      [400, 501] => {
        'a method in lower case' => request_line('get / HTTP/1.1'), 'a method with one letter small' => request_line('GEt / HTTP/1.1'),
        'a method that nobody knows' => request_line('FOO / HTTP/1.1'), 'a method of one letter' => request_line('X / HTTP/1.1'),
        'a known beginning' => request_line('GETX / HTTP/1.1'), 'a prefix' => request_line('XGET / HTTP/1.1'),
        'a long method' => request_line("#{'A' * 3000} / HTTP/1.1"), 'a method with strange letters' => request_line("G!#$%&'*+-.^_`|~ / HTTP/1.1"),
        'a response' => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 'a field first' => "#{H}GET / HTTP/1.1\r\n\r\n", 'random bytes' => Random.new(1).bytes(300), 'DESCRIBE of RTSP' => request_line('DESCRIBE / HTTP/1.1')
      },
      505 => {
        'HTTP/0.9 by name' => request_line('GET / HTTP/0.9'), 'HTTP/0.0' => request_line('GET / HTTP/0.0'),
        'HTTP/1.2' => request_line('GET / HTTP/1.2'), 'HTTP/1.9' => request_line('GET / HTTP/1.9'),
        'HTTP/2.0' => request_line('GET / HTTP/2.0'), 'HTTP/3.0' => request_line('GET / HTTP/3.0'), 'HTTP/9.9' => request_line('GET / HTTP/9.9')
      }
    },
    'targets' => {
      400 => {
        'no slash' => request_line('GET index.html HTTP/1.1'), 'a query only' => request_line('GET ?a HTTP/1.1'),
        'a fragment' => request_line('GET /a#b HTTP/1.1'), 'a fragment only' => request_line('GET # HTTP/1.1'),
        'NUL' => request_line("GET /\0 HTTP/1.1"), 'a control character' => request_line("GET /\x01 HTTP/1.1"),
        'DEL' => request_line("GET /\x7f HTTP/1.1"), 'UTF-8' => request_line('GET /ü HTTP/1.1'), 'a byte of 0x80' => request_line("GET /\x80 HTTP/1.1"),
        'a byte of 0xff' => request_line("GET /\xff HTTP/1.1"), 'a LF' => request_line("GET /a\nb HTTP/1.1"), 'a CR' => request_line("GET /a\rb HTTP/1.1"),
        'a tab' => request_line("GET /a\tb HTTP/1.1"), 'a backslash first' => request_line('GET \\a HTTP/1.1'),
        '* for GET' => request_line('GET * HTTP/1.1'), '* and more' => request_line('OPTIONS */x HTTP/1.1'), 'two *' => request_line('OPTIONS ** HTTP/1.1'),
        'ftp' => request_line('GET ftp://localhost/ HTTP/1.1'), 'file' => request_line('GET file:///etc/passwd HTTP/1.1'),
        'javascript' => request_line('GET javascript:alert(1) HTTP/1.1'), 'a scheme that is none' => request_line('GET 1http://localhost/ HTTP/1.1'),
        'one slash' => request_line('GET http:/localhost/ HTTP/1.1'), 'no authority' => request_line('GET http:///a HTTP/1.1'),
        'an empty authority' => request_line('GET http:// HTTP/1.1'), 'another authority' => request_line('GET http://other/ HTTP/1.1'),
        'another port' => request_line('GET http://localhost:1/ HTTP/1.1'), 'a user' => request_line('GET http://u:p@localhost/ HTTP/1.1'),
        'another authority with a user' => request_line('GET http://localhost@other/ HTTP/1.1'),
        'a port of letters' => request_line('GET http://localhost:a/ HTTP/1.1'), 'a port that is none' => request_line('GET http://localhost:65536/ HTTP/1.1'),
        'absolute without Host' => request_line('GET http://localhost/ HTTP/1.1', ''), 'absolute with a fragment' => request_line('GET http://localhost/#a HTTP/1.1'),
        'authority for GET' => request_line('GET localhost:80 HTTP/1.1'), 'CONNECT to a path' => request_line('CONNECT / HTTP/1.1'),
        'CONNECT without port' => request_line('CONNECT localhost HTTP/1.1'), 'CONNECT to a URI' => request_line('CONNECT http://localhost:80/ HTTP/1.1'),
        'CONNECT to another' => request_line('CONNECT other:80 HTTP/1.1', "Host: localhost:80\r\n"),
        'CONNECT with a body' => "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 1\r\n\r\nx",
        'CONNECT with a path' => request_line('CONNECT localhost:80/ HTTP/1.1', "Host: localhost:80\r\n")
      }
    },
    'Host' => {
      400 => {
        'none' => "GET / HTTP/1.1\r\n\r\n", 'none, with others' => "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 'two' => field('Host: localhost'),
        'two that differ' => field('Host: other'), 'two, one in capitals' => field('HOST: localhost'), 'two, one empty' => field('Host:'),
        'two apart' => "#{GET}X: 1\r\nHost: other\r\n\r\n", 'three' => field("Host: a\r\nHost: b"), 'an empty one' => host(''), 'a blank one' => host("  \t "),
        'a list' => host(' a, b'), 'a list without spaces' => host(' a,b'), 'a space' => host(' a b'), 'a tab' => host(" a\tb"), 'a URL' => host(' http://localhost'),
        'a path' => host(' localhost/'), 'a user' => host(' u@localhost'), 'a query' => host(' a?b'), 'a fragment' => host(' a#b'), 'a backslash' => host(' a\\b'),
        'a port of letters' => host(' a:b'), 'a negative port' => host(' a:-1'), 'a signed port' => host(' a:+1'), 'a long port' => host(' a:123456'), 'two ports' => host(' a:1:2'),
        'a port only' => host(' :80'), 'NUL' => host(" a\0b"), 'a control character' => host(" a\x01b"), 'DEL' => host(" a\x7f"), 'UTF-8' => host(' ä'), 'an angle' => host(' <a>'),
        'a quote' => host(' "a"'), 'an open bracket' => host(' [::1'), 'a closed one' => host(' ::1]'), 'an empty address' => host(' []'), 'letters in brackets' => host(' [xyz]'),
        'letters behind the bracket' => host(' [::1]x'), 'a half per cent' => host(' a%'), 'a wrong per cent' => host(' a%zz'), 'a semicolon space' => host(' a; b'),
        'a space before the colon' => "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 'a folded one' => "GET / HTTP/1.1\r\nHost:\r\n localhost\r\n\r\n",
        'a second that is folded into the first' => "GET / HTTP/1.1\r\n#{H} Host: other\r\n\r\n", 'a caret' => host(' a^b'), 'a brace' => host(' {a}'), 'a bar' => host(' a|b')
      }
    },
    'fields' => {
      400 => {
        'a space before the colon' => field('X : 1'), 'a tab before the colon' => field("X\t: 1"), 'a space in the name' => field('X Y: 1'), 'an empty name' => field(': 1'),
        'no colon' => field('X'), 'no colon, a value' => field('X 1'), 'a space first' => field(' X: 1'), 'a tab first' => field("\tX: 1"),
        'a space before the first' => "GET / HTTP/1.1\r\n #{H}\r\n", 'a folded value' => field("X: 1\r\n 2"), 'folded by a tab' => field("X: 1\r\n\t2"), 'folded to nothing' => field("X: 1\r\n "),
        'folded from nothing' => field("X:\r\n 1"), 'folded after LF' => field("X: 1\n 2"), 'a line of spaces' => field("X: 1\r\n   "),
        'a bare LF' => field("X: 1\nY: 2"), 'a bare LF at the end' => "#{GET}X: 1\n\r\n", 'LFs at the end' => "#{GET}X: 1\n\n", 'an end of LF' => "#{GET}X: 1\r\n\n",
        'an end of CR' => "#{GET}X: 1\r\n\rX", 'an end of two CRs' => "#{GET}X: 1\r\n\r\r\n", 'a bare CR' => field("X: 1\rY: 2"), 'a CR in front' => field("X:\r1"), 'a CR in the name' => field("X\rY: 1"), 'a LF in the name' => field("X\nY: 1"),
        'two CRs' => field("X: 1\r"), 'a bare CR that ends the head' => "#{GET}X: 1\r\r#{SMUGGLED}", 'NUL in the value' => field("X: a\0b"), 'NUL as the value' => field("X: \0"),
        'NUL in the name' => field("X\0: 1"), 'NUL before the colon' => field("X\0Y: 1"), 'a NUL at the end' => field("X: 1\0"),
        'DEL in the value' => field("X: \x7f"), 'DEL in the name' => field("X\x7f: 1"), 'a byte above 0x7f in the name' => field("X\xe9: 1"), 'UTF-8 in the name' => field('Ü: 1'),
        **(1..31).to_h { |code| [format('0x%02x in the name', code), field("X#{code.chr}Y: 1")] },
        **((1..31).to_a - [9]).to_h { |code| [format('0x%02x in the value', code), field("X: a#{code.chr}b")] },
        **%w[( ) < > @ , ; \\ " / [ ] ? = { }].to_h { |char| ["#{char} in the name", field("X#{char}Y: 1")] }
      },
      417 => { 'an expectation' => "#{POST}Expect: a\r\nContent-Length: 1\r\n\r\nx", 'an expectation more' => "#{POST}Expect: 100-continue, a\r\nContent-Length: 1\r\n\r\nx" },
      431 => {
        'too many' => "#{GET}#{"X: 1\r\n" * 101}\r\n", 'too long a value' => field("X: #{'a' * 70_000}"), 'too long a name' => field("#{'X' * 70_000}: 1"),
        'many long ones' => "#{GET}#{"X: #{'a' * 1000}\r\n" * 70}\r\n", 'a value without end' => "#{GET}X: #{'a' * 200_000}", 'a name without end' => "#{GET}#{'X' * 200_000}",
        'fields without end' => "#{GET}#{"X: #{'a' * 1000}\r\n" * 200}"
      },
      414 => { 'too long a target' => request_line("GET /#{'a' * 9000} HTTP/1.1"), 'a target without end' => "GET /#{'a' * 200_000}" }
    },
    'Content-Length' => {
      400 => {
        **['', ' ', ' -1', ' +1', ' 0x1', ' 0b1', ' 1,1', ' 1, 1', ' 1,2', ' 1 1', ' 1.0', ' 1e0', ' a', ' 1a', ' a1', ' 1;', ' 1; a=b', ' "1"', ' \'1\'', ' 1_0', " 1\v", " \v1", " 1\f", " 1\0", " \0001", " 1\x01",
           ' 18446744073709551615', ' 18446744073709551616', ' 18446744073709551617', ' 9223372036854775807', ' 9223372036854775808', ' 99999999999999999999999999', ' ١', ' １', ' ²', ' 1,', ' ,1', ' 1%', ' --1', ' 1-', ' 1+', ' (1)', " 1\r\n 0", " 1\r\n\t", " \r\n 1", ' NaN', ' Infinity', ' null', ' 0 0', ' 00x1']
          .to_h { |value| [value.inspect, length(value)] },
        'two that agree' => "#{POST}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 'two that differ' => "#{POST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 'two, one of 0' => "#{POST}Content-Length: 0\r\nContent-Length: 5\r\n\r\nGET /",
        'two in other letters' => "#{POST}content-length: 1\r\nCONTENT-LENGTH: 1\r\n\r\nx", 'two, the second bad' => "#{POST}Content-Length: 1\r\nContent-Length: a\r\n\r\nx",
        'two for GET' => "#{GET}Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 'a space before the colon' => "#{POST}Content-Length : 1\r\n\r\nx", 'a space before the name' => "#{POST}X: 1\r\n Content-Length: 1\r\n\r\nx",
        'a bare LF before' => "#{POST}X: 1\nContent-Length: 1\r\n\r\nx", 'a bare CR before' => "#{POST}X: 1\rContent-Length: 1\r\n\r\nx"
      },
      413 => { 'more than may be' => "#{POST}Content-Length: 100000000\r\n\r\nx", 'more than 32 bits' => "#{POST}Content-Length: 4294967297\r\n\r\nx", 'almost 63 bits' => "#{POST}Content-Length: 999999999999999999\r\n\r\nx" }
    },
    'Content-Length and Transfer-Encoding' => {
      400 => {
        'both' => encoding("Content-Length: 5\r\nTransfer-Encoding: chunked"), 'the other way round' => encoding("Transfer-Encoding: chunked\r\nContent-Length: 5"), 'a length of 0' => encoding("Content-Length: 0\r\nTransfer-Encoding: chunked"),
        'and identity' => encoding("Content-Length: 5\r\nTransfer-Encoding: identity"), 'and nothing' => encoding("Content-Length: 5\r\nTransfer-Encoding:"), 'and gzip' => encoding("Content-Length: 5\r\nTransfer-Encoding: gzip"),
        'for GET' => "#{GET}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 'and a space before the colon' => encoding("Content-Length: 5\r\nTransfer-Encoding : chunked"),
        'and a tab before the colon' => encoding("Content-Length: 5\r\nTransfer-Encoding\t: chunked"), 'and a space before the name' => encoding("Content-Length: 5\r\n Transfer-Encoding: chunked"),
        'and a folded one' => encoding("Content-Length: 5\r\nTransfer-Encoding:\r\n chunked"), 'and a vertical tab' => encoding("Content-Length: 5\r\nTransfer-Encoding: \vchunked"), 'and NUL' => encoding("Content-Length: 5\r\nTransfer-Encoding: \0chunked"),
        'and a bare LF' => encoding("Content-Length: 5\r\nX: 1\nTransfer-Encoding: chunked"), 'and a bare CR' => encoding("Content-Length: 5\r\nX: 1\rTransfer-Encoding: chunked"), 'and xchunked' => encoding("Content-Length: 5\r\nTransfer-Encoding: xchunked"),
        'in HTTP/1.0' => "POST / HTTP/1.0\r\n#{H}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 'and two encodings' => encoding("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x"),
        'and CHUNKED' => encoding("Content-Length: 5\r\nTransfer-Encoding: CHUNKED"), 'and a quoted one' => encoding("Content-Length: 5\r\nTransfer-Encoding: \"chunked\"")
      }
    },
    'Transfer-Encoding' => {
      [400, 501] => {
        **['', ' ', ' identity', ' x', ' xchunked', ' chunkedx', ' chunke', ' chunk', ' chunked chunked', ' chunked, chunked', ' chunked,chunked', ' chunked, identity', ' identity, chunked', ' chunked, gzip', ' gzip', ' deflate', ' br', ' compress',
           ' gzip, chunked', ' deflate, chunked', ' gzip, chunked, gzip', ' chunked,', ' ,chunked', ' , chunked', ' chunked, ', ' ,', ' chunked;', ' chunked;a', ' chunked;a=b', ' chunked; q=0.5', ' "chunked"', " 'chunked'", ' (chunked)', " chunked\v", " \vchunked", " \fchunked",
           " chunked\0", " \0chunked", " chunked\x01", " chunked\x85", " \xa0chunked", " chunked\xa0", ' chunked/1', ' chunked:', ' : chunked', '=chunked', ' =chunked', ' trailers', ' chunked, trailers', ' chunKed, x', ' cow', ' c hunked', " chun\tked", ' ｃhunked', ' null', ' 0', ' chunked*', ' *']
          .to_h { |value| [value.inspect, encoding("Transfer-Encoding:#{value}")] },
        'two' => encoding("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 'two, identity last' => encoding("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"), 'two, identity first' => encoding("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
        'two, cow last' => encoding("Transfer-Encoding: chunked\r\nTransfer-encoding: cow"), 'two, an empty one' => encoding("Transfer-Encoding:\r\nTransfer-Encoding: chunked"), 'two, gzip first' => encoding("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked"),
        'a space before the colon' => encoding('Transfer-Encoding : chunked'), 'a tab before the colon' => encoding("Transfer-Encoding\t: chunked"), 'a space before the name' => encoding(' Transfer-Encoding: chunked'), 'a fold' => encoding("Transfer-Encoding:\r\n chunked"),
        'a fold behind' => encoding("Transfer-Encoding: chunked\r\n , identity"), 'a fold of a tab' => encoding("Transfer-Encoding: chunked\r\n\t"), 'a bare LF before' => encoding("X: 1\nTransfer-Encoding: chunked"), 'a bare CR before' => encoding("X: 1\rTransfer-Encoding: chunked"),
        'a bare CR behind' => encoding("Transfer-Encoding: chunked\rX"), 'a bare LF behind' => "#{POST}Transfer-Encoding: chunked\n\r\n0\r\n\r\n", 'NUL in the name' => encoding("Transfer\0Encoding: chunked"), 'a control character in the name' => encoding("Transfer-Encoding\x01: chunked"), 'a byte above 0x7f in the name' => encoding("Transfer-Encoding\xff: chunked"),
        'HTTP/1.0' => "POST / HTTP/1.0\r\n#{H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 'HTTP/1.0 with keep-alive' => "POST / HTTP/1.0\r\n#{H}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n#{SMUGGLED}"
      }
    }
  }.freeze

  # The head is all right.
  CHUNKS = {
    400 => {
      'no size' => "\r\n0\r\n\r\n", 'no number' => "x\r\na\r\n0\r\n\r\n", 'a sign' => "+1\r\na\r\n0\r\n\r\n", 'a negative size' => "-1\r\na\r\n0\r\n\r\n", 'minus nothing' => "-0\r\n\r\n", '0x' => "0x1\r\na\r\n0\r\n\r\n", '0X' => "0X1\r\na\r\n0\r\n\r\n", 'an underscore' => "1_0\r\n#{'a' * 16}\r\n0\r\n\r\n",
      'a space first' => " 1\r\na\r\n0\r\n\r\n", 'a tab first' => "\t1\r\na\r\n0\r\n\r\n", 'a space behind' => "1 \r\na\r\n0\r\n\r\n", 'a tab behind' => "1\t\r\na\r\n0\r\n\r\n", 'two numbers' => "1 1\r\na\r\n0\r\n\r\n", 'a comma' => "1,1\r\na\r\n0\r\n\r\n", 'a dot' => "1.0\r\na\r\n0\r\n\r\n", 'an h' => "1h\r\na\r\n0\r\n\r\n", 'a g' => "g\r\na\r\n0\r\n\r\n",
      'a quote' => "\"1\"\r\na\r\n0\r\n\r\n", 'NUL' => "1\0\r\na\r\n0\r\n\r\n", 'NUL first' => "\0001\r\na\r\n0\r\n\r\n", 'a vertical tab' => "1\v\r\na\r\n0\r\n\r\n", 'a byte above 0x7f' => "1\xff\r\na\r\n0\r\n\r\n".b, 'digits of other alphabets' => "１\r\na\r\n0\r\n\r\n".b,
      '64 bits' => "ffffffffffffffff\r\na", 'an overflow to 1' => "10000000000000001\r\na\r\n0\r\n\r\n", 'an overflow to 0' => "10000000000000000\r\n\r\n#{GET}\r\n", '17 digits' => "fffffffffffffffff\r\na", 'many digits' => "#{'f' * 100}\r\na", 'many zeros' => "#{'0' * 300}1\r\na\r\n0\r\n\r\n",
      'a bare LF' => "1\na\r\n0\r\n\r\n", 'bare LFs' => "1\na\n0\n\n", 'a bare CR' => "1\ra\r\n0\r\n\r\n", 'two CRs' => "1\r\r\na\r\n0\r\n\r\n", 'LF and CR' => "1\n\ra\r\n0\r\n\r\n", 'CR X LF' => "1\rX\na\r\n0\r\n\r\n", 'more data' => "1\r\nab\r\n0\r\n\r\n", 'much more data' => "1\r\n#{'a' * 1000}\r\n0\r\n\r\n", 'less data' => "3\r\na\r\n0\r\n\r\n",
      'no end of the data' => "1\r\na0\r\n\r\n", 'a LF behind the data' => "1\r\na\n0\r\n\r\n", 'a CR behind the data' => "1\r\na\r0\r\n\r\n", 'two characters for CRLF' => "1\r\naXX0\r\n\r\n", 'LF CR behind the data' => "1\r\na\n\r0\r\n\r\n", 'a space behind the data' => "1\r\na \r\n0\r\n\r\n",
      'an extension of nothing' => "1;\r\na\r\n0\r\n\r\n", 'an extension with a LF' => "1;a\nb\r\na\r\n0\r\n\r\n", 'an extension with a LF only' => "1;\na\r\n0\r\n\r\n", 'an extension with a CR' => "1;a\rb\r\na\r\n0\r\n\r\n", 'an extension with NUL' => "1;\0\r\na\r\n0\r\n\r\n", 'an extension with a control character' => "1;a=\x01\r\na\r\n0\r\n\r\n", 'an extension with a quoted LF' => "1;a=\"\n\"\r\na\r\n0\r\n\r\n",
      'an extension with an open quote' => "1;a=\"b\r\na\r\n0\r\n\r\n", 'an extension too long' => "1;#{'a' * 1000}\r\na\r\n0\r\n\r\n", 'an extension without end' => "1;#{'a' * 100_000}", 'an extension too long at the last chunk' => "0;#{'a' * 1000}\r\n\r\n", 'a LF at the last chunk' => "0\n\r\n", 'LFs at the last chunk' => "0\n\n", 'a LF at the end' => "0\r\n\n", 'a CR at the end' => "0\r\n\rX\r\n\r\n", 'junk at the end' => "0\r\nX\r\n\r\n",
      'a trailer with a LF' => "0\r\nX: 1\n\r\n", 'a trailer with a CR' => "0\r\nX: 1\rY: 2\r\n\r\n", 'a trailer without colon' => "0\r\nX\r\n\r\n", 'a trailer with a space before the colon' => "0\r\nX : 1\r\n\r\n", 'a trailer with NUL' => "0\r\nX: \0\r\n\r\n", 'a folded trailer' => "0\r\nX: 1\r\n 2\r\n\r\n", 'a trailer without name' => "0\r\n: 1\r\n\r\n",
      'Content-Length as a trailer' => "0\r\nContent-Length: 5\r\n\r\n", 'Transfer-Encoding as a trailer' => "0\r\nTransfer-Encoding: chunked\r\n\r\n", 'Host as a trailer' => "0\r\nHost: other\r\n\r\n", 'a request as a trailer' => "0\r\n#{GET}\r\n", 'a second chunk that is bad' => "1\r\na\r\n1\r\nb\r\nz\r\n\r\n", 'a second chunk without size' => "1\r\na\r\n\r\n0\r\n\r\n"
    }.transform_values { |body| chunks(body) },
    413 => { 'a body too long' => "#{CHUNKED}#{"2000\r\n#{'a' * 0x2000}\r\n" * 20}0\r\n\r\n", '63 bits' => "#{CHUNKED}7fffffffffffffff\r\na", 'a size above the limit' => "#{CHUNKED}fffffff\r\na" },
    431 => { 'too many trailers' => "#{CHUNKED}0\r\n#{"X: 1\r\n" * 200}\r\n", 'too long a trailer' => "#{CHUNKED}0\r\nX: #{'a' * 40_000}\r\n\r\n", 'trailers without end' => "#{CHUNKED}0\r\n#{"X: 1\r\n" * 20_000}" }
  }.freeze
end
