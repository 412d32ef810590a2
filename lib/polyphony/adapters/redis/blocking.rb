# frozen_string_literal: true

module Polyphony
  class Redis
    module Blocking
    end
  end
end
