# frozen_string_literal: true

# For the Gemfile of a Rails application: gem 'polyphony', require: 'polyphony/rails'

require_relative 'core'
require_relative 'railtie'
