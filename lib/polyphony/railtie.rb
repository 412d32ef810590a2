# frozen_string_literal: true

require 'rails/railtie'

module Polyphony
  # What Rails has to know: that requests are served by fibers, so that what it keeps for each of them
  # (CurrentAttributes, connections of ActiveRecord, time zones, I18n) is kept by fiber, not by thread.
  #
  # Loaded with `polyphony/http` where there is Rails, and by `require 'polyphony/rails'`.
  class Railtie < ::Rails::Railtie
    initializer 'polyphony.isolation_level', before: 'active_support.isolation_level' do |app|
      app.config.active_support.isolation_level = :fiber
    end
  end
end
