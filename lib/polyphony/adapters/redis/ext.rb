# frozen_string_literal: true

begin
  require 'redis-client'
rescue LoadError => e
  raise unless e.path == 'redis-client'

  raise LoadError, 'polyphony/adapters/redis builds on the gem redis-client. Add it to the Gemfile ' \
                   "(gem 'redis-client', '~> 0.26'), or: gem install redis-client"
end
require 'polyphony/redis_ext'
