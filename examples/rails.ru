# frozen_string_literal: true

# A Rails application in one file: a page that waits, and one that streams.
#   gem install railties; bin/start examples/rails.ru     serves on 127.0.0.1:9292, until Ctrl-C
#
#   curl http://127.0.0.1:9292/wait/2       waits for 2 seconds; others are served meanwhile
#   curl -N http://127.0.0.1:9292/events    server-sent events, by ActionController::Live

require 'rails'
require 'action_controller/railtie'

class Example < Rails::Application
  config.load_defaults Rails::VERSION::STRING.to_f
  config.eager_load = false
  config.secret_key_base = 'only an example' * 5
  config.hosts.clear
  config.logger = Logger.new($stderr, level: :warn)
  routes.append do
    get 'wait/:seconds', to: 'example#wait'
    get 'events', to: 'example#events'
  end
end

class ExampleController < ActionController::Base
  include ActionController::Live

  def wait
    sleep Float(params[:seconds])
    render plain: "waited #{params[:seconds]} s; isolated by #{ActiveSupport::IsolatedExecutionState.isolation_level}\n"
  end

  def events
    response.headers['content-type'] = 'text/event-stream'
    events = ActionController::Live::SSE.new(response.stream)
    3.times { |number| events.write({ number: number }, event: 'count') }
  ensure
    events.close
  end
end

run Example.initialize!
