# frozen_string_literal: true

require 'fileutils'
require 'openssl'
require 'rbconfig'
require_relative 'peers'
require_relative '../support/contenders'
require_relative '../support/tree'

module Bench
  module HTTP
    # A column of the report: a server, how it is started, and its version or why it is missing.
    Contender = Struct.new(:name, :command, :environment, :tls, :version, :missing) do
      def present? = missing.nil?
    end

    # Finds out which servers there are on this machine.
    class Contenders
      FOLDER = File.join(Tree::HERE, 'tmp/bench')

      def initialize(options)
        @options = options
        @gem_home = Bench::Contenders.gem_home(options.gems)
      end

      # @return [Array<Contender>] raw C first, then ours, the missing ones included
      def all
        ours, others = @options.peers.map { |name| PEERS.fetch(name) }.partition(&:ours?)
        earlier = @options.against.flat_map { |revision| ours.map { |peer| of_tree(peer, Tree.at(revision), revision) } }
        [raw, *ours.map { |peer| of_tree(peer, Tree.current) }, *earlier, *others.map { |peer| of_gem(peer) }]
      end

      # Installs the peers' gems. What does not build is left out, and shows as missing.
      def install
        FileUtils.mkdir_p(@gem_home)
        PEERS.values.filter_map(&:gem).uniq.each do |gem|
          log = "#{@gem_home}/#{gem}.log"
          done = system({ **CLEAN, 'GEM_HOME' => @gem_home }, RbConfig.ruby, '-S', 'gem', 'install', '--no-document',
                        gem, %i[out err] => log)
          warn(done ? "#{gem}: installed" : "#{gem}: could not be installed, see #{log}")
        end
      end

      # @return [Array<String>] paths of a certificate and its key
      def self.certificate
        paths = %w[certificate.pem key.pem].map { |name| File.join(FOLDER, name) }
        FileUtils.mkdir_p(FOLDER)
        key = OpenSSL::PKey::EC.generate('prime256v1')
        File.write(paths.first, self_signed(key).to_pem)
        File.write(paths.last, key.private_to_pem)
        paths
      end

      def self.self_signed(key)
        certificate = OpenSSL::X509::Certificate.new
        certificate.version = 2
        certificate.serial = 1
        certificate.subject = certificate.issuer = OpenSSL::X509::Name.parse('/CN=localhost')
        certificate.public_key = key
        certificate.not_before = Time.now - 60
        certificate.not_after = Time.now + 86_400
        names = OpenSSL::X509::ExtensionFactory.new.create_extension('subjectAltName', 'DNS:localhost,IP:127.0.0.1')
        certificate.add_extension(names)
        certificate.sign(key, 'SHA256')
      end
      private_class_method :self_signed

      CLEAN = Bench::Contenders::CLEAN
      private_constant :CLEAN

      private

      def raw
        Contender.new(RAW.name, [compile], {}, false, libraries)
      rescue RuntimeError => e
        Contender.new(RAW.name, [], {}, false, nil, e.message)
      end

      def of_tree(peer, tree, revision = nil)
        command = [RbConfig.ruby, '-I', File.join(tree.root, 'lib'), '-I', tree.extension_folder, peer.script]
        environment = CLEAN.merge('POLYPHONY_MAIN' => '0', **@options.environment)
        Contender.new([peer.name, *revision].join('@'), command, environment, peer.tls?, tree.describe)
      end

      def of_gem(peer)
        environment = CLEAN.merge('GEM_HOME' => @gem_home, **peer.environment, **@options.environment)
        contender = Contender.new(peer.name, [RbConfig.ruby, peer.script], environment, peer.tls?)
        folder = Dir.glob(File.join(@gem_home, 'specifications', "#{peer.gem}-[0-9]*.gemspec")).max
        contender.version = File.basename(folder, '.gemspec').delete_prefix("#{peer.gem}-") if folder
        contender.missing = "the gem #{peer.gem} is not installed in #{@gem_home}" unless folder
        contender
      end

      # @raise [RuntimeError] if it cannot be compiled
      def compile
        # Where the system has no llhttp, the extension was built with one of its own.
        build = File.join(Tree::HERE, 'tmp/ext', RUBY_VERSION, 'build/http')
        vendored = Dir.glob(File.join(build, 'vendor_*.c'))
        compile_c('raw.c', vendored.empty? ? ['-lllhttp'] : ["-I#{build}", '-w', *vendored])
      end

      def libraries = 'libev, llhttp'

      # @raise [RuntimeError] if it cannot be compiled
      def compile_c(name, library)
        program = File.join(FOLDER, "http-#{File.basename(name, '.c')}-#{RUBY_VERSION}")
        source = File.join(__dir__, name)
        return program if File.exist?(program) && File.mtime(program) > File.mtime(source)

        FileUtils.mkdir_p(FOLDER)
        system(ENV.fetch('CC', 'cc'), '-O2', '-o', program, source, *library, '-lev') or
          raise "could not compile #{source}: are #{libraries} there?"
        program
      end
    end
  end
end
