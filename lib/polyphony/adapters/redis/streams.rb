# frozen_string_literal: true

module Polyphony
  class Redis
    module Streams
    end
  end
end
