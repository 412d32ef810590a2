# frozen_string_literal: true

require 'fileutils'
require 'tmpdir'
require_relative 'run_ruby'

module Support
  # Runs a script twice, in folders of their own: as it is, and without its `require 'polyphony'`, of
  # which only the blanks stay. What the two print and how they end can then be compared.
  module Script
    REQUIRE = /require(?: 'polyphony'|\('polyphony'\))/

    # What is compared: all that a user sees of a run.
    Seen = Struct.new(:stdout, :stderr, :status, keyword_init: true)

    # @param code [String]
    # @param stand_in [String] what the plain script says for the `require`
    # @param name [String] path of the script in its folder
    # @param files [Hash{String=>String}] other files there
    # @param command [Array<String>, Proc] what follows the Ruby flags; given the folder
    # @return [Array(Seen, Seen)] adopted, plain
    def run_both(code, *args, name: 'script.rb', files: {}, command: [name, *args], stand_in: '', **options)
      [code, code.gsub(REQUIRE) { |text| stand_in.ljust(text.size) }].map do |text|
        Thread.new { run_in_folder({ name => text, **files }, command, **options) }
      end.map(&:value)
    end

    # Writes +files+ to a new folder and runs Ruby there.
    # @return [Seen] with the folder's name taken out
    def run_in_folder(files, command, setup: nil, **options)
      Dir.mktmpdir do |dir|
        dir = File.realpath(dir)
        files.each { |path, text| Script.write(File.join(dir, path), text) }
        setup&.call(dir)
        command = command.call(dir) if command.respond_to?(:call)
        Script.seen(run_ruby(nil, *command, chdir: dir, **options), dir)
      end
    end

    def self.write(path, text)
      FileUtils.mkdir_p(File.dirname(path))
      File.binwrite(path, text)
    end

    def self.seen(result, dir)
      out, err = [result.stdout, result.stderr].map { |text| text.b.gsub(dir, '<dir>').force_encoding(Encoding::UTF_8) }
      status = result.status
      Seen.new(stdout: out, stderr: err, status: status.signaled? ? "signal #{status.termsig}" : status.exitstatus)
    end
  end
end
