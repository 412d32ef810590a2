# frozen_string_literal: true

require 'uri'

module Polyphony
  module HTTP
    module Request
      # What a request says in forms that want decoding.
      module Query
        # Parameters and cookies counted for one request.
        MAX_PARTS = 4096

        # @return [Hash{String => String, Array<String>}] the parameters of the query; an Array where a name
        #   comes more than once
        # @raise [Polyphony::HTTP::BadRequest] for one that is not UTF-8 in per cents, or has too many
        # @suspends no
        def query
          @query ||= decode(query_string)
        end

        # @return [Hash{String => String}] as the client sent them; the first where a name comes twice
        # @suspends no
        def cookies
          @cookies ||= (self['cookie'] || '').split(/; ?/, MAX_PARTS).each_with_object({}) do |pair, all|
            name, value = pair.split('=', 2)
            all[name] ||= value.delete_prefix('"').delete_suffix('"') if value
          end
        end

        private

        def decode(string)
          raise BadRequest, 'the query has too many parameters' if string.count('&') > MAX_PARTS

          string.split('&').each_with_object({}) do |pair, all|
            name, value = pair.split('=', 2).map { |part| decode_part(part) }
            all[name] = all.key?(name) ? [*all[name], value || ''] : value || '' if name
          end
        end

        def decode_part(part)
          part = ::URI.decode_www_form_component(part)
          raise BadRequest, 'the query is not UTF-8' unless part.valid_encoding?

          part
        rescue ::ArgumentError
          raise BadRequest, 'the query cannot be decoded'
        end
      end
    end
  end
end
