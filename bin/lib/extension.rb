# frozen_string_literal: true

require 'digest'
require 'fileutils'
require 'rbconfig'

# Builds one extension of the source tree for the running Ruby, beside the builds for other Rubies:
# ext/NAME becomes tmp/ext/RUBY_VERSION/polyphony/NAME_ext.so. Does nothing when nothing has changed.
class Extension
  DLEXT = RbConfig::CONFIG['DLEXT']
  # Environment that changes what extconf.rb or the compiler does.
  ENVIRONMENT = %w[POLYPHONY_DEBUG CC CFLAGS CPPFLAGS LDFLAGS LLHTTP_SRC].freeze

  attr_reader :name

  def self.all(root)
    Dir.glob(File.join(root, 'ext', '*', 'extconf.rb')).map { |file| new(root, File.basename(File.dirname(file))) }
  end

  def initialize(root, name)
    @name = name
    @source_dir = File.join(root, 'ext', name)
    @base = File.join(root, 'tmp', 'ext', RUBY_VERSION)
    @build_dir = File.join(@base, 'build', name)
  end

  def target
    File.join(@base, 'polyphony', "#{name}_ext.#{DLEXT}")
  end

  # Brings the shared library up to date. Several builds may be asked for at the same time.
  def build
    FileUtils.mkdir_p([@build_dir, File.dirname(target)])
    File.open(File.join(@build_dir, '.lock'), 'w') do |lock|
      lock.flock(File::LOCK_EX)
      bring_up_to_date unless up_to_date?
    end
  end

  private

  # Without a target to show for it, what was configured may have been a system that lacked something.
  def bring_up_to_date
    configure unless configured? && File.exist?(target)
    make
    install
  end

  def sources
    Dir.glob(File.join(@source_dir, '**', '*.{c,h,rb}'))
  end

  def up_to_date?
    configured? && File.exist?(target) && sources.all? { |file| File.mtime(file) <= File.mtime(target) }
  end

  # A new file, another compiler, an edited extconf.rb: any of them asks for a new Makefile.
  def signature
    extconf = File.read(File.join(@source_dir, 'extconf.rb'))
    parts = [RUBY_DESCRIPTION, RbConfig.ruby, sources, extconf, ENV.to_h.slice(*ENVIRONMENT)]
    Digest::SHA256.hexdigest(parts.inspect)
  end

  def signature_file
    File.join(@build_dir, '.signature')
  end

  def configured?
    File.exist?(signature_file) && File.read(signature_file) == signature
  end

  def configure
    FileUtils.rm_f([signature_file, *Dir.glob(File.join(@build_dir, "*.{o,#{DLEXT}}"))])
    run(RbConfig.ruby, File.join(@source_dir, 'extconf.rb'))
    File.write(signature_file, signature)
  end

  def make
    run('make', "-j#{ENV.fetch('JOBS', 2)}")
  end

  # By rename, so that a Ruby that has the old library mapped keeps it. An extension may decide not to be
  # built where its libraries are missing.
  def install
    built = File.join(@build_dir, "#{name}_ext.#{DLEXT}")
    return FileUtils.rm_f(target) unless File.exist?(built)

    FileUtils.cp(built, "#{target}.new")
    File.rename("#{target}.new", target)
  end

  # The build is quiet unless it fails or the compiler has something to say.
  def run(*command)
    output = IO.popen([*command, { chdir: @build_dir, err: %i[child out] }], &:read)
    done = $?.success?
    warn(command.join(' '), output) if !done || output.include?('warning:') || ENV['VERBOSE']
    abort "#{name}: `#{command.first}` failed (see above; folder #{@build_dir})" unless done
  end
end

Extension.all(File.expand_path('../..', __dir__)).each(&:build) if $PROGRAM_NAME == __FILE__
