# frozen_string_literal: true

require_relative 'stream'

module Polyphony
  module HTTP
    module Rack
      # Sends what an app has returned, whatever kind of body it is. `close` is called in any case.
      # @api private
      module Answer
        # Bytes of a file that are read at a time.
        FILE_CHUNK = 262_144

        class << self
          # @param request [Request]
          # @param status [Integer]
          # @param headers [Hash]
          # @param body [#to_ary, #each, #call, #to_path]
          # @return [void]
          def send(request, status, headers, body)
            return send_other(request, status, headers, body) if !body.is_a?(::Array) || special?(headers)

            request.respond(body.size == 1 ? body.first : body, headers, status: status)
          rescue ResponseError
            raise if request.responded? || !lines?(headers)

            send_other(request, status, headers, body)
          ensure
            body.close if body.respond_to?(:close)
          end

          private

          # Keys for the server.
          def special?(headers)
            headers.key?('rack.hijack') || headers.key?('rack.protocol')
          end

          # Values of several lines, as Rack 2 had them.
          def lines?(headers)
            headers.any? { |_, value| value.is_a?(::String) && value.include?("\n") }
          end

          def send_other(request, status, headers, body)
            fields, hijack, protocol = plain(headers)
            if hijack
              send_hijacked(request, status, fields, hijack)
            elsif protocol || status == 101
              send_upgraded(request, fields, protocol || fields.delete('upgrade'), body)
            else
              send_body(request, status, fields, body)
            end
          end

          def plain(headers)
            fields = {}
            hijack = protocol = nil
            headers.each do |name, value|
              case name
              when 'rack.hijack' then hijack = value
              when 'rack.protocol' then protocol = value
              when /\Arack\./ then nil
              else fields[name] = value.is_a?(::String) && value.include?("\n") ? value.split("\n") : value
              end
            end
            [fields, hijack, protocol]
          end

          def send_body(request, status, fields, body)
            if body.respond_to?(:to_path) && ::File.file?(body.to_path) then send_file(request, status, fields, body)
            elsif body.respond_to?(:to_ary) then request.respond(body.to_ary, fields, status: status)
            elsif body.respond_to?(:each) then send_pieces(request, status, fields, body)
            elsif body.nil? then request.respond(nil, fields, status: status)
            else
              request.send_headers(fields, status: status)
              stream_to(body, Stream.new(request))
            end
          end

          def send_pieces(request, status, fields, body)
            request.send_headers(fields, status: status)
            return if request.head?

            body.each { |piece| request.send_chunk(piece) }
            request.finish
          end

          # A range that the app has chosen is its own business: then its `each` knows.
          def send_file(request, status, fields, body)
            return send_pieces(request, status, fields, body) if status == 206

            ::File.open(body.to_path, 'rb') do |file|
              length = fields.find { |name, _| name.casecmp?('content-length') }
              fields = { **fields, 'content-length' => file.size.to_s } unless length
              request.send_headers(fields, status: status)
              next if request.head?

              while (piece = file.read(FILE_CHUNK))
                request.send_chunk(piece)
              end
              request.finish
            end
          end

          # Partial hijack: the header goes out, the rest is the app's.
          def send_hijacked(request, status, fields, hijack)
            request.send_headers({ **fields, 'connection' => 'close' }, status: status)
            stream_to(hijack, Stream.new(request))
          end

          def send_upgraded(request, fields, protocol, body)
            fields.reject! { |name, _| name.casecmp?('connection') || name.casecmp?('upgrade') }
            io = request.upgrade(protocol, fields)
            body.respond_to?(:call) ? body.call(io) : body&.each { |piece| io.write(piece) }
          end

          def stream_to(body, stream)
            body.call(stream)
          ensure
            stream.close
          end
        end
      end
    end
  end
end
