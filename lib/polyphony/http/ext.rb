# frozen_string_literal: true

begin
  require 'polyphony/http_ext'
rescue LoadError => e
  # A library that it is linked with may be what is missing.
  raise unless e.path == 'polyphony/http_ext'

  raise LoadError, "Polyphony was installed without its HTTP server, because llhttp was not there. Install it\n  " \
                   "(Debian 13: apt-get install libllhttp-dev; elsewhere: gem install llhttp)\n" \
                   'and then Polyphony again: gem install polyphony'
end
