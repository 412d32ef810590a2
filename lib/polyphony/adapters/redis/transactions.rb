# frozen_string_literal: true

module Polyphony
  class Redis
    module Transactions
    end
  end
end
