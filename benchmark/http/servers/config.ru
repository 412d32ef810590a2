# frozen_string_literal: true

# For the servers that want a rackup file.
run ->(_env) { [200, { 'content-type' => 'text/plain' }, ["Hello, world!\n"]] }
