# frozen_string_literal: true

require_relative 'fields'
require_relative 'stream'

module Polyphony
  module HTTP
    module Rack
      # Sends what an app has returned, whatever kind of body it is.
      # @api private
      module Answer
        # Bytes of a file that are read at a time.
        FILE_CHUNK = 262_144

        class << self
          # Closes the body, whatever happens.
          #
          # @param request [Request]
          # @param status [Integer]
          # @param headers [Hash]
          # @param body [#to_ary, #each, #call, #to_path]
          # @return [void]
          # @raise [ResponseError] for an answer that cannot be sent, and what the body raises
          # @suspends while the client takes no more
          def send(request, status, headers, body)
            return send_array(request, status, headers, body) if body.is_a?(::Array) && Fields.ordinary?(headers)

            unless headers.respond_to?(:each) && status.respond_to?(:to_i)
              raise ResponseError, 'the app returned no array of status, headers and body'
            end

            send_other(request, status.to_i, headers, body)
          ensure
            body.close if body.respond_to?(:close)
          end

          private

          # What most apps answer. Oddities are looked for when something is wrong only.
          def send_array(request, status, headers, body)
            request.respond(body.size == 1 ? body.first : body, headers, status: status)
          rescue ResponseError
            raise if request.responded? || !(Fields.odd?(headers) || status.is_a?(::String))

            request.respond(body, Fields.plain(headers), status: status.to_i)
          end

          def send_other(request, status, headers, body)
            fields = Fields.plain(headers)
            hijack, protocol = headers.values_at('rack.hijack', 'rack.protocol') if headers.is_a?(::Hash)
            if protocol || status == 101
              send_upgraded(request, fields, protocol, hijack, body)
            elsif hijack
              send_hijacked(request, status, fields, hijack)
            else
              send_body(request, status, fields, body)
            end
          end

          def send_body(request, status, fields, body)
            if (path = file_of(body, status)) then send_file(request, status, fields, path)
            elsif body.respond_to?(:to_ary) then request.respond(body.to_ary, fields, status: status)
            elsif body.respond_to?(:each) then send_pieces(request, status, fields, body)
            elsif body.respond_to?(:call) then send_stream(request, status, fields, body)
            elsif body.nil? then request.respond(nil, fields, status: status)
            else raise ResponseError, "a body must have each or call, which #{body.class} has not"
            end
          end

          # The header waits for the first piece: the one write is less than two, and an app that fails before
          # it gets a proper answer.
          def send_pieces(request, status, fields, body)
            return request.send_headers(fields, status: status) if request.head?

            begun = false
            body.each do |piece|
              request.send_headers(fields, status: status) unless begun
              begun = true
              request.send_chunk(piece)
            end
            request.send_headers(fields, status: status) unless begun
            request.finish
          end

          # A range that the app has chosen is its own business: then its `each` knows.
          def file_of(body, status)
            return if status == 206 || !body.respond_to?(:to_path)

            path = body.to_path
            path if path && ::File.file?(path)
          end

          def send_file(request, status, fields, path)
            ::File.open(path, 'rb') do |file|
              left = Integer(Fields.find(fields, 'content-length') || file.size)
              fields = { **Fields.without(fields, 'content-length'), 'content-length' => left.to_s }
              request.send_headers(fields, status: status)
              next if request.head?

              while left.positive? && (piece = file.read([FILE_CHUNK, left].min))
                request.send_chunk(piece)
                left -= piece.bytesize
              end
              request.finish
            end
          end

          def send_stream(request, status, fields, body)
            return request.send_headers(fields, status: status) if request.head?

            stream = Stream.new(request) { request.send_headers(fields, status: status) }
            body.call(stream)
            stream.close
          end

          # Partial hijack: the header goes out, the rest is the app's, which may go on with it in a thread.
          def send_hijacked(request, status, fields, hijack)
            request.send_headers(fields, status: status)
            request.context.flush
            stream = Stream.new(request)
            hijack.call(stream)
            stream.wait
          end

          def send_upgraded(request, fields, protocol, hijack, body)
            protocol ||= [*Fields.find(fields, 'upgrade')].first
            raise ResponseError, 'status 101 wants the header upgrade, or rack.protocol' unless protocol

            io = request.upgrade(protocol, Fields.without(fields, 'connection', 'upgrade'))
            return speak(io, body) unless hijack

            hijack.call(io)
            request.context.give_away
          end

          def speak(io, body)
            body.respond_to?(:each) ? body.each { |piece| io.write(piece) } : body&.call(io)
          end
        end
      end
    end
  end
end
