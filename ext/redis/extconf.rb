# frozen_string_literal: true

# Builds polyphony/redis_ext: reading and writing RESP, the protocol of Redis. It needs no library.

require 'mkmf'

# POLYPHONY_DEBUG=1 is the developers' build: a warning is an error, nothing is optimised away.
DEBUG_FLAGS = %w[-g3 -O0 -U_FORTIFY_SOURCE -DPOLYPHONY_DEBUG=1 -Werror].freeze

$defs.push('-D_GNU_SOURCE')
# Ruby's own list forbids C99's placing of declarations, which our C makes use of.
$warnflags = $warnflags.to_s.gsub(/(\A|\s)-W(?:no-)?declaration-after-statement/, '')
append_cflags(%w[-std=gnu11 -fvisibility=hidden -Wno-unused-parameter -Wall -Wextra])
append_cflags(ENV['POLYPHONY_DEBUG'] == '1' ? DEBUG_FLAGS : %w[-O2])
create_makefile('polyphony/redis_ext')
