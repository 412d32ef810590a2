# frozen_string_literal: true

# Builds polyphony/scheduler_ext. Everything the C needs to know about this Ruby and this
# system is asked here, of the compiler; the C never looks at a version number.

require 'mkmf'

MISSING_LIBEV = <<~MESSAGE
  Polyphony needs libev (4.x) and its headers, and did not find them. Install the package for your system:
    Debian, Ubuntu   apt-get install libev-dev
    Fedora           dnf install libev-devel
    Alpine           apk add libev-dev
    macOS            brew install libev
  Installed elsewhere? Say where: gem install polyphony -- --with-libev-dir=DIR
  The file mkmf.log shows what the compiler said.
MESSAGE

# POLYPHONY_DEBUG=1 is the developers' build: a warning is an error, nothing is optimised away.
DEBUG_FLAGS = %w[-g3 -O0 -U_FORTIFY_SOURCE -DPOLYPHONY_DEBUG=1 -Werror].freeze

# True when the headers declare +name+ and it links. have_func alone would also accept a
# symbol that is exported but not declared, which the C could then not call.
def have_declared(name, header)
  checking_for("#{name} in #{header}") do
    try_func("&#{name}", $libs, header) && $defs.push("-DHAVE_#{name.upcase}")
  end
end

def find_libev
  # Homebrew's prefix is not on the compiler's default path.
  homebrew = %w[/opt/homebrew/opt/libev /usr/local/opt/libev].find { |dir| File.directory?(dir) }
  dir_config('libev', *[homebrew].compact)
  header = %w[ev.h libev/ev.h].find { |name| have_header(name) }
  linked = $libs.dup
  abort MISSING_LIBEV unless header && have_library('ev', 'ev_run', header)
  keep_libev_private(linked) if RbConfig::CONFIG['host_os'].include?('linux')
end

# Not linked, but loaded by the C, which says why (libev_private.h): by the name that programs linked with it have.
def keep_libev_private(linked)
  $defs.push('-DLIBEV_SONAME=\"libev.so.4\"')
  $libs = linked
  have_library('dl', 'dlopen', 'dlfcn.h') unless have_func('dlopen', 'dlfcn.h')
end

def configure_flags
  $defs.push('-D_GNU_SOURCE')
  # Ruby's own list forbids C99's placing of declarations, which our C makes use of.
  $warnflags = $warnflags.to_s.gsub(/(\A|\s)-W(?:no-)?declaration-after-statement/, '')
  # Debian's Ruby keeps its warnings out of CFLAGS, so name ours. Hooks have parameters they do not need.
  append_cflags(%w[-std=gnu11 -fvisibility=hidden -Wno-unused-parameter -Wall -Wextra])
  append_cflags(ENV['POLYPHONY_DEBUG'] == '1' ? DEBUG_FLAGS : %w[-O2])
end

def detect_ruby
  have_header('ruby/io/buffer.h')
  have_header('ruby/fiber/scheduler.h')
  have_macro('RUBY_FIBER_SCHEDULER_VERSION', 'ruby/fiber/scheduler.h') &&
    $defs.push('-DHAVE_RUBY_FIBER_SCHEDULER_VERSION')
  %w[rb_fiber_new_storage rb_process_status_wait rb_ext_ractor_safe].each { |name| have_declared(name, 'ruby.h') }
  %w[rb_io_closed_p rb_io_descriptor rb_io_timeout rb_io_mode rb_io_path].each do |name|
    have_declared(name, 'ruby/io.h')
  end
  %w[rb_io_buffer_get_bytes_for_reading rb_io_buffer_get_bytes_for_writing].each do |name|
    have_declared(name, 'ruby/io/buffer.h')
  end
  %w[io_selectv fiber fiber_interrupt yield blocking_operation_wait blocking_operation_extract io_pread io_pread_memory
     io_close].each { |hook| have_declared("rb_fiber_scheduler_#{hook}", 'ruby/fiber/scheduler.h') }
  have_struct_member('rb_io_t', 'rbuf', 'ruby/io.h') # IO's own read buffer, on its way out of the public headers
  # The one thing that cannot be asked: before 3.3.1 Ruby has the io_write hook but loses or
  # repeats data through it (bugs 19546 and 19640), and no symbol tells the two apart.
  $defs.push('-DHAVE_USABLE_IO_WRITE_HOOK') if Gem::Version.new(RUBY_VERSION) >= Gem::Version.new('3.3.1')
end

def detect_system
  have_declared('accept4', 'sys/socket.h')
  have_declared('splice', 'fcntl.h')
  have_declared('pipe2', 'unistd.h')
  have_macro('SYS_pidfd_open', 'sys/syscall.h') && $defs.push('-DHAVE_SYS_PIDFD_OPEN')
end

find_libev
configure_flags
detect_ruby
detect_system
create_makefile('polyphony/scheduler_ext')
