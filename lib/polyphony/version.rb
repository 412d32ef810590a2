# frozen_string_literal: true

module Polyphony
  # The version of the gem, as RubyGems sees it.
  VERSION = '0.1.0'
end
