# frozen_string_literal: true

begin
  require 'polyphony/http_ext'
rescue LoadError => e
  # A library that it is linked with may be what is missing.
  raise unless e.path == 'polyphony/http_ext'

  raise LoadError, "Polyphony was installed without its HTTP server, because llhttp or nghttp2 was not there. Install\n  " \
                   "llhttp (Debian 13: apt-get install libllhttp-dev; elsewhere: gem install llhttp) and nghttp2\n  " \
                   "(Debian: apt-get install libnghttp2-dev; Fedora: libnghttp2-devel; macOS: brew install libnghttp2),\n" \
                   'and then Polyphony again: gem install polyphony'
end
