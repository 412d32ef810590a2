# frozen_string_literal: true

require 'fileutils'

# A Rails application of the size of an example: what `rails new` makes, without a database.
module RailsApp
  FILES = {
    'config/application.rb' => <<~RUBY,
      require 'rails'
      require 'action_controller/railtie'
      require 'action_cable/engine'

      # Two requests at a time, each waiting for the other.
      GATE = Queue.new

      class Shop < Rails::Application
        config.load_defaults Rails::VERSION::STRING.to_f
        config.root = File.expand_path('..', __dir__)
        config.eager_load = false
        config.secret_key_base = 'x' * 64
        config.hosts.clear
        config.logger = Logger.new($stderr, level: :error)
        config.action_cable.disable_request_forgery_protection = true
        config.action_cable.cable = { 'adapter' => 'async' }
      end
    RUBY
    'config/environment.rb' => "require_relative 'application'\nRails.application.initialize!\n",
    'config/routes.rb' => <<~RUBY,
      Rails.application.routes.draw do
        root 'pages#index'
        %w[count stream oops file gate hijack].each { |name| get name, to: "pages#\#{name}" }
        post 'upload', to: 'pages#upload'
        get 'events', to: 'live#events'
        get 'endless', to: 'live#endless'
        mount ActionCable.server => '/cable'
      end
    RUBY
    'config.ru' => "require_relative 'config/environment'\nrun Rails.application\n",
    'bin/rails' => "APP_PATH = File.expand_path('../config/application', __dir__)\nrequire 'rails/commands'\n",
    'app/controllers/application_controller.rb' => <<~RUBY,
      class ApplicationController < ActionController::Base
        skip_forgery_protection
      end
    RUBY
    'app/models/current.rb' => "class Current < ActiveSupport::CurrentAttributes\n  attribute :user\nend\n",
    'app/controllers/pages_controller.rb' => <<~RUBY,
      class PagesController < ApplicationController
        def index = render(plain: [Rails::VERSION::MAJOR, ActiveSupport::IsolatedExecutionState.isolation_level, request.remote_ip].join(' '))
        def count = render(json: { count: session[:count] = session[:count].to_i + 1 })
        def oops = raise('oops')
        def file = send_file(Rails.root.join('config.ru'), disposition: 'inline')

        def stream
          self.response_body = Enumerator.new { |body| 3.times { |n| body << "part \#{n}\\n" } }
        end

        def upload
          render plain: [params[:note], params[:file].original_filename, params[:file].read.sum].join(' ')
        end

        def gate
          Current.user = params[:user]
          GATE << true
          sleep 0.001 until GATE.size >= 2
          render plain: Current.user
        end

        def hijack
          io = request.env['rack.hijack'].call
          io.write("bare")
          io.close
          head :ok
        end
      end
    RUBY
    'app/controllers/live_controller.rb' => <<~RUBY,
      class LiveController < ApplicationController
        include ActionController::Live

        def events
          response.headers['content-type'] = 'text/event-stream'
          events = SSE.new(response.stream)
          3.times { |n| events.write({ n: n }, event: 'tick') }
        ensure
          events.close
        end

        def endless
          loop { response.stream.write('x' * 10_000) }
        rescue ActionController::Live::ClientDisconnected
          warn 'the client has gone'
        ensure
          response.stream.close
        end
      end
    RUBY
    'app/channels/application_cable/connection.rb' => "module ApplicationCable\n  class Connection < ActionCable::Connection::Base\n  end\nend\n",
    'app/channels/echo_channel.rb' => <<~RUBY
      class EchoChannel < ActionCable::Channel::Base
        def subscribed = stream_from('echo')
        def shout(data) = ActionCable.server.broadcast('echo', data['text'].upcase)
      end
    RUBY
  }.freeze

  # Writes it below +folder+.
  def self.write(folder)
    FILES.each do |path, text|
      file = File.join(folder, path)
      FileUtils.mkdir_p(File.dirname(file))
      File.write(file, text)
    end
  end
end
