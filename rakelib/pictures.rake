# frozen_string_literal: true

desc 'Take the pictures of the chat for docs/images, in headless Chromium (Debian: chromium)'
task pictures: :compile do
  abort 'pictures: chromium is not installed' unless installed?('chromium')

  mkdir_p 'docs/images', verbose: false
  ruby '-I', 'lib', '-I', "tmp/ext/#{RUBY_VERSION}", 'spec/support/chat_pictures.rb', 'docs/images'
end
