# frozen_string_literal: true

# The app is called in the main thread; reading and writing have threads of agoo's own.
require_relative 'app'
require 'agoo'

class Hello # agoo wants an object of a class
  def call(env) = APP.call(env)
end

quiet = %i[INFO DEBUG connect request response eval push].to_h { |kind| [kind, false] }
Agoo::Log.configure(dir: '', console: false, classic: false, colorize: false, states: quiet)
Agoo::Server.init(PORT.to_i, '/nonexistent', thread_count: 0, worker_count: 1, bind: ["http://127.0.0.1:#{PORT}"])
Agoo::Server.handle(:GET, '/', Hello.new)
Agoo::Server.start
