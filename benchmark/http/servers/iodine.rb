# frozen_string_literal: true

require_relative 'app'
require 'iodine'

options = { service: :http, url: "http://127.0.0.1:#{PORT}", handler: APP, log: false }
options[:tls] = Iodine::TLS.new.tap { |tls| tls.use_certificate('localhost', CERTIFICATE, KEY) } if KEY
Iodine.threads = 1
Iodine.workers = 1
Iodine.listen(**options)
Iodine.start
