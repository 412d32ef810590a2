# frozen_string_literal: true

require_relative 'version'
require_relative 'http/http1'
