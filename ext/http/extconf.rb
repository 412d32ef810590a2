# frozen_string_literal: true

# Builds polyphony/http_ext, or nothing: who only wants fibers need not have llhttp. `require
# 'polyphony/http'` then says what to install.
#
# llhttp is the system's, from 9.2 on; else the C of Debian's libllhttp-source or of the gem llhttp (8.1),
# compiled in, in its strict mode. What 8.1 lets through all the same is refused by http1_rules.c.
#
# HTTP/2 is nghttp2's; `--without-nghttp2` builds a server that speaks HTTP/1 only.

require 'mkmf'

MISSING_LLHTTP = <<~MESSAGE
  llhttp was not found, so polyphony is installed without its HTTP server. For that, install one of
    Debian 13, Ubuntu 25.04   apt-get install libllhttp-dev
    Fedora                    dnf install llhttp-devel
    Alpine                    apk add llhttp-dev
    macOS                     brew install llhttp
    elsewhere                 gem install llhttp
  and polyphony again. Other places: gem install polyphony -- --with-llhttp-dir=DIR, or LLHTTP_SRC=DIR with llhttp.c
MESSAGE

MISSING_NGHTTP2 = <<~MESSAGE
  libnghttp2 was not found, so polyphony is installed without its HTTP server. For that, install one of
    Debian, Ubuntu   apt-get install libnghttp2-dev
    Fedora           dnf install libnghttp2-devel
    Alpine           apk add nghttp2-dev
    macOS            brew install libnghttp2
  and polyphony again. Other places: gem install polyphony -- --with-nghttp2-dir=DIR. A server that speaks HTTP/1 only
  needs no nghttp2: gem install polyphony -- --without-nghttp2
MESSAGE

# POLYPHONY_DEBUG=1 is the developers' build: a warning is an error, nothing is optimised away.
DEBUG_FLAGS = %w[-g3 -O0 -U_FORTIFY_SOURCE -DPOLYPHONY_DEBUG=1 -Werror].freeze
HTTP2 = with_config('nghttp2', true)
OUR_SOURCES = Dir.glob(File.join(__dir__, '*.c')).map { |file| File.basename(file) }
                 .reject { |name| name.start_with?('http2') && !HTTP2 }.sort.freeze

LLHTTP_FILES = %w[llhttp.h llhttp.c api.c http.c].freeze

RECENT = <<~C
  #include <llhttp.h>
  #if LLHTTP_VERSION_MAJOR * 100 + LLHTTP_VERSION_MINOR < 902
  #error older than 9.2
  #endif
C

def system_llhttp?
  return false if ENV['LLHTTP_SRC'] # asked for

  homebrew = %w[/opt/homebrew/opt/llhttp /usr/local/opt/llhttp].find { |dir| File.directory?(dir) }
  dir_config('llhttp', *[homebrew].compact)
  pkg_config('libllhttp')
  have_header('llhttp.h') && checking_for('llhttp >= 9.2') { try_compile(RECENT) } &&
    have_library('llhttp', 'llhttp_execute', 'llhttp.h')
end

# Functions that not every version has.
NGHTTP2_FUNCTIONS = %w[nghttp2_option_set_server_fallback_rfc7540_priorities nghttp2_option_set_stream_reset_rate_limit
                       nghttp2_option_set_glitch_rate_limit nghttp2_option_set_max_continuations].freeze

def system_nghttp2?
  return true unless HTTP2

  homebrew = %w[/opt/homebrew/opt/libnghttp2 /usr/local/opt/libnghttp2].find { |dir| File.directory?(dir) }
  dir_config('nghttp2', *[homebrew].compact)
  pkg_config('libnghttp2')
  return false unless have_header('nghttp2/nghttp2.h') && have_library('nghttp2', 'nghttp2_session_server_new2',
                                                                       'nghttp2/nghttp2.h')

  NGHTTP2_FUNCTIONS.each { |name| have_func(name, 'nghttp2/nghttp2.h') }
  $defs.push('-DHAVE_NGHTTP2')
end

def gem_dir
  Gem::Specification.find_by_name('llhttp').full_gem_path
rescue LoadError # Gem::MissingSpecError is one
  nil
end

# The folder of llhttp.h, and its C files, wherever in it they lie.
def find_source
  [ENV.fetch('LLHTTP_SRC', nil), '/usr/src/llhttp', gem_dir].compact.each do |dir|
    files = LLHTTP_FILES.map { |name| Dir.glob(File.join(dir, '**', name)).first }
    return files if files.all?
  end
  nil
end

# Copied under names of their own: in a gem's folder lie its object files, which make would take for ours.
# Its warnings are not ours to repair.
def copy_source(files)
  header, *sources = files
  FileUtils.cp(header, 'llhttp.h')
  sources.map do |file|
    name = "vendor_#{File.basename(file)}"
    File.write(name, "#pragma GCC diagnostic ignored \"-Wall\"\n#pragma GCC diagnostic ignored \"-Wextra\"\n" \
                     "#{File.read(file)}")
    name
  end
end

def use_source(files)
  $defs.push('-DLLHTTP_STRICT_MODE=1')
  $INCFLAGS = "-I. #{$INCFLAGS}"
  $srcs = OUR_SOURCES + copy_source(files)
end

def configure_flags
  have_func('rb_hash_tbl') && have_func('rb_st_foreach_with_replace', 'ruby/st.h')
  $defs.push('-D_GNU_SOURCE')
  # Ruby's own list forbids C99's placing of declarations, which our C makes use of.
  $warnflags = $warnflags.to_s.gsub(/(\A|\s)-W(?:no-)?declaration-after-statement/, '')
  # Hidden, so that another llhttp in the process and ours keep apart.
  append_cflags(%w[-std=gnu11 -fvisibility=hidden -Wno-unused-parameter -Wall -Wextra])
  append_cflags(ENV['POLYPHONY_DEBUG'] == '1' ? DEBUG_FLAGS : %w[-O2])
end

def give_up(message)
  warn message
  File.write('Makefile', dummy_makefile($srcdir).join)
end

if !system_nghttp2?
  give_up(MISSING_NGHTTP2)
elsif system_llhttp?
  configure_flags
  $srcs = OUR_SOURCES
  create_makefile('polyphony/http_ext')
elsif (files = find_source)
  message("using #{File.dirname(files[1])}\n")
  configure_flags
  use_source(files)
  create_makefile('polyphony/http_ext')
else
  give_up(MISSING_LLHTTP)
end
