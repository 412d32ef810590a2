# frozen_string_literal: true

module Polyphony
  module HTTP
    class WebSocket
      # What {Request#websocket} takes.
      # @api private
      class Options
        # name => default
        DEFAULTS = { protocols: nil, max_message: 1 << 20, max_frames: 131_072, ping: 30, deflate: true,
                     buffer: 1 << 20, overflow: :wait, close_timeout: 5, origins: nil, headers: {}.freeze }.freeze

        DEFAULTS.each_key { |name| attr_reader name }

        # @return [Options] for these; one for all that have the defaults
        def self.for(options) = options.empty? ? (@default ||= new) : new(**options)

        # @raise [ArgumentError, TypeError]
        def initialize(**options)
          unknown = options.keys - DEFAULTS.keys
          unless unknown.empty?
            raise ::ArgumentError, "no option of WebSockets is named #{unknown.join(', ')}; " \
                                   "there are: #{DEFAULTS.keys.join(', ')}"
          end

          DEFAULTS.merge(options).each { |name, value| instance_variable_set(:"@#{name}", value) }
          check
          @protocols = [*@protocols]
          freeze
        end

        private

        def check
          %i[max_message max_frames buffer].each { |name| Polyphony.count(public_send(name), name.to_s) }
          Polyphony.duration(close_timeout, 'close_timeout')
          unless ping.nil? || Polyphony.duration(ping, 'ping').positive?
            raise ::ArgumentError, 'ping must be positive, or nil'
          end
          return if %i[wait close].include?(overflow)

          raise ::ArgumentError, "overflow must be :wait or :close, not #{overflow.inspect}"
        end
      end
      private_constant :Options
    end
  end
end
