# frozen_string_literal: true

# One thread, as the others have one; BENCH_THREADS makes it more.
require_relative 'app'
require 'puma'
require 'puma/cli'

threads = ENV.fetch('BENCH_THREADS', '1')
bind = KEY ? "ssl://127.0.0.1:#{PORT}?cert=#{CERTIFICATE}&key=#{KEY}" : "tcp://127.0.0.1:#{PORT}"
Puma::CLI.new(['-q', '-w', '0', '-t', "#{threads}:#{threads}", '-b', bind, "#{__dir__}/config.ru"]).run
