# frozen_string_literal: true

require 'json'
require 'tmpdir'
require_relative '../../support/rails_app'
require_relative '../../support/rack_app'

# A Rails application with a database, in a process of its own, under concurrent load.
RSpec.describe 'Rails with a database' do
  around do |example|
    Dir.mktmpdir do |dir|
      @dir = dir
      RailsApp.write(dir)
      files.each do |path, text|
        FileUtils.mkdir_p(File.dirname(File.join(dir, path)))
        File.write(File.join(dir, path), text)
      end
      example.run
    end
  end

  after { |example| warn(@server.log) if example.exception && @server }

  def files
    {
      'config/application.rb' => "require 'active_record/railtie'\nrequire 'polyphony/adapters/active_record'\n" \
                                 "#{RailsApp::FILES['config/application.rb']}",
      'config/database.yml' => { 'development' => database.merge('pool' => 5, 'checkout_timeout' => 30) }.to_json,
      'config/routes.rb' => "Rails.application.routes.draw do\n  post 'notes', to: 'notes#create'\n  get 'slow', to: 'notes#slow'\n  get 'count', to: 'notes#count'\nend\n",
      'app/models/note.rb' => "class Note < ActiveRecord::Base\nend\n",
      'app/controllers/notes_controller.rb' => <<~RUBY,
        class NotesController < ApplicationController
          def create
            note = Note.transaction do
              made = Note.create!(body: params[:body])
              sleep 0.001
              Note.find(made.id)
            end
            render plain: note.body
          end

          def slow = render(plain: Note.with_connection { |c| c.select_value(ENV.fetch('SLOW')) })
          def count = render(json: { count: Note.count, **ActiveRecord::Base.connection_pool.stat.slice(:size, :busy, :dead) })
        end
      RUBY
      'config/environment.rb' => <<~RUBY
        require_relative 'application'
        Rails.application.initialize!
        ActiveRecord::Base.with_connection do |connection|
          connection.create_table(:notes, force: true) { |t| t.string :body }
        end
      RUBY
    }
  end

  # Rails takes seconds of CPU to start: on a machine with much else to do, more than other servers are given.
  def boot(slow)
    command = [File.join(ROOT, 'exe/polyphony'), 'serve', '-b', 'http://127.0.0.1:0']
    child = start_child(command, { 'SLOW' => slow }, chdir: @dir)
    tries = 0
    begin
      child.await(1)
    rescue RuntimeError => e
      raise unless e.message.end_with?("did not start:\n") && (tries += 1) < 4

      retry
    end
  end

  shared_examples 'an application' do |slow|
    it 'serves many requests over five connections, and goes on when a client has gone', timeout: 120 do
      @server = boot(slow)
      impatient = Array.new(3) { @server.connect.tap { |client| client.send_request('GET', '/slow') } }
      clients = Array.new(30) { @server.connect }
      3.times do |round|
        clients.each_with_index do |client, n|
          client.send_request('POST', '/notes', headers: { 'Content-Type' => 'application/x-www-form-urlencoded' }, body: "body=#{round}-#{n}")
        end
        expect(clients.map { |client| client.response.body }).to eq(Array.new(30) { |n| "#{round}-#{n}" })
      end
      impatient.each(&:close)
      counted = nil
      sleep 0.01 until (counted = JSON.parse(clients.first.get('/count').body))['busy'] <= 1 # the watchdog's limit is ours
      expect(counted).to include('count' => 90, 'size' => 5, 'dead' => 0)
      clients.each(&:close)
    end
  end

  context 'of SQLite' do
    def database = { 'adapter' => 'polyphony_sqlite3', 'database' => File.join(@dir, 'notes.db'), 'default_transaction_mode' => 'immediate', 'timeout' => 30_000 }

    it_behaves_like 'an application', 'with recursive n(x) as (select 1 union all select x + 1 from n where x < 1000000) select max(x) from n'
  end

  context 'of PostgreSQL' do
    def database
      ENV['DATABASE_URL'] || (ENV['CI'] ? raise('DATABASE_URL is not set: run bin/test') : skip('bin/test starts the PostgreSQL for this'))
      { 'adapter' => 'polyphony_postgresql', 'host' => ENV.fetch('PGHOST'), 'port' => ENV.fetch('PGPORT'), 'username' => ENV.fetch('PGUSER'),
        'database' => ENV.fetch('PGDATABASE') }
    end

    it_behaves_like 'an application', 'select pg_sleep(0.5)'
  end
end
