# frozen_string_literal: true

require_relative 'lib/polyphony/version'

Gem::Specification.new do |spec|
  spec.name = 'polyphony'
  spec.version = Polyphony::VERSION
  spec.license = 'MIT'
  spec.authors = ['The Polyphony authors']
  spec.summary = 'Fine-grained, structured concurrency for stock Ruby, on a fiber scheduler in C'
  spec.description = <<~TEXT
    Polyphony runs thousands of fibers in a thread, each written as plain sequential Ruby: sleep, gets,
    TCPSocket, Net::HTTP, Queue and Mutex just work, and nothing of Ruby is patched. Fibers have parents,
    errors reach them, and a child never outlives its parent.
  TEXT
  spec.metadata = { 'rubygems_mfa_required' => 'true' }
  spec.required_ruby_version = '>= 3.1'

  # What git knows or would add, so that build products stay out; an unpacked tree has no git to ask.
  shipped = %w[lib ext exe sig README.md CHANGELOG.md LICENSE]
  listed = begin
    IO.popen(%w[git ls-files -z --cached --others --exclude-standard --] + shipped,
             chdir: __dir__, err: File::NULL, &:read).split("\0")
  rescue Errno::ENOENT
    []
  end
  listed = Dir.glob('{lib,ext,exe,sig}/**/*', base: __dir__) + shipped.grep(/[A-Z]/) if listed.empty?
  spec.files = listed.select { |file| File.file?(File.join(__dir__, file)) }.grep_v(/\.(so|o|bundle|log)\z/).sort

  spec.bindir = 'exe'
  spec.executables = spec.files.grep(%r{\Aexe/}) { |file| File.basename(file) }
  spec.extensions = spec.files.grep(%r{\Aext/[^/]+/extconf\.rb\z})
  spec.require_paths = ['lib']
end
