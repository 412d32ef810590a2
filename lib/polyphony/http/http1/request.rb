# frozen_string_literal: true

require_relative '../request'

module Polyphony
  module HTTP
    module HTTP1
      # A request of HTTP/1: one object, whose Strings are made when they are asked for.
      class Request < RequestHead
        include HTTP::Request
      end
    end
  end
end
