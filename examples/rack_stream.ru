# frozen_string_literal: true

# A Rack app that streams. Each client has a fiber, so that one that waits costs next to nothing, and `sleep`
# holds up nobody else.
#
#   bin/start examples/rack_stream.ru               serves on 127.0.0.1:9292, until Ctrl-C
#
#   curl -N http://127.0.0.1:9292/count/3           a number a second
#   curl -N -T FILE http://127.0.0.1:9292/capitals  the file in capitals, while it is being sent

text = { 'content-type' => 'text/plain' }

map '/count' do
  run lambda { |env|
    most = env['PATH_INFO'].delete_prefix('/').to_i
    numbers = Enumerator.new do |body|
      1.upto(most) do |number|
        body << "#{number}\n"
        sleep 1 if number < most
      end
    end
    [200, text.dup, numbers]
  }
end

map '/capitals' do
  run lambda { |_env|
    body = lambda do |stream|
      while (piece = stream.read_partial)
        stream << piece.upcase
      end
    end
    [200, text.dup, body]
  }
end

run ->(_env) { [404, text.dup, ["try /count/3, or upload to /capitals\n"]] }
