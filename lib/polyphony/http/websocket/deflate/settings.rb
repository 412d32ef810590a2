# frozen_string_literal: true

require 'strscan'

module Polyphony
  module HTTP
    class WebSocket
      class Deflate
        # What the program wants of compression, and how that is agreed on with a client.
        # @api private
        class Settings
          # name => default
          DEFAULTS = { level: ::Zlib::DEFAULT_COMPRESSION, mem_level: ::Zlib::DEF_MEM_LEVEL, window_bits: 15,
                       context_takeover: false, min_size: 1024 }.freeze

          # A bad header.
          class Malformed < ::StandardError; end

          DEFAULTS.each_key { |name| attr_reader name }

          # @param option [Boolean, nil, Hash]
          # @return [Settings, nil]
          # @raise [ArgumentError]
          def self.for(option)
            case option
            when true then @default ||= new
            when nil, false then nil
            when ::Hash then new(**option)
            else raise ::ArgumentError, "deflate must be true, false or a Hash, not #{option.inspect}"
            end
          end

          # @raise [ArgumentError]
          def initialize(**settings)
            unknown = settings.keys - DEFAULTS.keys
            unless unknown.empty?
              raise ::ArgumentError, "deflate has no #{unknown.join(', ')}; there are: #{DEFAULTS.keys.join(', ')}"
            end

            DEFAULTS.merge(settings).each { |name, value| instance_variable_set(:"@#{name}", value) }
            check
            freeze
          end

          # @param header [String, nil] Sec-WebSocket-Extensions
          # @return [Array(Deflate, String), nil] and what to answer, for the first offer that can be met
          # @raise [Malformed]
          def agree(header)
            parse(header || '').each do |name, params|
              agreed = name == 'permessage-deflate' && meet(params)
              return agreed if agreed
            end
            nil
          end

          private

          def check
            RANGES.each do |name, range|
              value = public_send(name)
              next if value.is_a?(::Integer) && range.cover?(value)

              raise ::ArgumentError, "deflate: #{name} must be an Integer in #{range}, not #{value.inspect}"
            end
          end

          RANGES = { level: -1..9, mem_level: 1..9, window_bits: 9..15, min_size: 1.. }.freeze
          private_constant :RANGES

          FLAGS = %w[server_no_context_takeover client_no_context_takeover].freeze
          BITS = %w[server_max_window_bits client_max_window_bits].freeze
          private_constant :FLAGS, :BITS

          # zlib has no window of 8 bits of its own: such an offer is left alone.
          def meet(params)
            offer = params.to_h
            return unless offer.size == params.size && offer.all? { |name, value| known?(name, value) }

            bits = [window_bits, Integer(offer.fetch('server_max_window_bits', 15))].min
            return if bits < 9

            own = context_takeover && !offer['server_no_context_takeover']
            peer = context_takeover && !offer['client_no_context_takeover']
            [Deflate.new(self, bits, own, peer), answer(offer, bits, own, peer)]
          end

          def known?(name, value)
            return value == true if FLAGS.include?(name)
            return false unless BITS.include?(name)

            value == true ? name == 'client_max_window_bits' : value.match?(/\A(?:8|9|1[0-5])\z/)
          end

          def answer(offer, bits, own, peer)
            parts = ['permessage-deflate']
            parts << 'server_no_context_takeover' unless own
            parts << 'client_no_context_takeover' unless peer
            parts << "server_max_window_bits=#{bits}" if offer['server_max_window_bits']
            parts.join('; ')
          end

          TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/
          QUOTED = /"((?:[^"\\]|\\.)*)"/
          private_constant :TOKEN, :QUOTED

          # @return [Array<Array(String, Array)>] names, with pairs of parameters
          def parse(header)
            scanner = ::StringScanner.new(header)
            offers = []
            until scanner.skip(/[ \t,]*/) && scanner.eos?
              offers << [token(scanner), params(scanner)]
              scanner.skip(/[ \t]*/)
              raise Malformed unless scanner.eos? || scanner.check(/,/)
            end
            offers
          end

          def params(scanner)
            found = []
            while scanner.skip(/[ \t]*;[ \t]*/)
              name = token(scanner)
              found << [name, scanner.skip(/[ \t]*=[ \t]*/) ? value(scanner) : true]
            end
            found
          end

          def token(scanner) = scanner.scan(TOKEN) || raise(Malformed)

          def value(scanner) = scanner.scan(QUOTED) ? scanner[1].gsub(/\\(.)/, '\1') : token(scanner)
        end
      end
    end
  end
end
