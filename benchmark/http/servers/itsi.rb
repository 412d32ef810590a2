# frozen_string_literal: true

# Its queue of waiting requests is made long enough for 500 connections: with the default it answers most with 503.
require_relative 'app'
require 'itsi/server'

bind = KEY ? "https://127.0.0.1:#{PORT}?cert=#{CERTIFICATE}&key=#{KEY}" : "http://127.0.0.1:#{PORT}"
Itsi::Server::Config.prep_reexec!
Itsi::Server.start({ workers: 1, threads: 1, rackup_file: "#{__dir__}/config.ru", binds: [bind],
                     ruby_thread_request_backlog_size: 10_000 })
