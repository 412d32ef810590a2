# frozen_string_literal: true

module Polyphony
  class Redis
    module Scanning
    end
  end
end
