# frozen_string_literal: true

require 'fileutils'
require 'json'
require_relative 'tree'

module Bench
  # One column of the report: a peer, the environment that its children get, and its version or why it is missing.
  Contender = Struct.new(:name, :peer, :env, :version, :missing) do
    def present? = missing.nil?
  end

  # Finds out which contenders there are on this machine.
  class Contenders
    GEMS = { 'async' => 'async', 'libev' => 'libev_scheduler', 'evt' => 'evt', 'itsi' => 'itsi-scheduler',
             'fiber_scheduler' => 'fiber_scheduler', 'polyphony-1.6' => 'polyphony' }.freeze
    SHARED = '/var/cache/polyphony/bench-gems'

    # @return [String] the folder of the peers' gems, one per Ruby and apart from the project's own
    def self.gem_home(given = nil)
      base = given || ENV['POLYPHONY_BENCH_GEMS'] || [SHARED, File.join(Tree::HERE, 'tmp/bench/gems')].find do |dir|
        Dir.exist?(File.join(dir, RUBY_VERSION)) || Process.uid.zero?
      end
      File.join(base || File.join(Tree::HERE, 'tmp/bench/gems'), RUBY_VERSION)
    end

    def initialize(options)
      @options = options
      @gem_home = self.class.gem_home(options.gems)
    end

    # @return [Array<Contender>] ours first, the missing ones included
    def all
      list = @options.peers.map { |peer| Contender.new(peer, peer, environment(peer)) }
      list.insert(1, *@options.against.map { |revision| earlier(revision) })
      list.each { |contender| probe(contender) }
    end

    # Installs every peer's gem; what does not build is left out, and shows as missing.
    def install
      GEMS.each_value do |gem|
        log = "#{@gem_home}/#{gem}.log"
        FileUtils.mkdir_p(@gem_home)
        done = system({ 'GEM_HOME' => @gem_home, **CLEAN }, RbConfig.ruby, '-S', 'gem', 'install', '--no-document', gem,
                      %i[out err] => log)
        warn(done ? "#{gem}: installed" : "#{gem}: could not be installed, see #{log}")
      end
    end

    # Nothing of Bundler or of whoever runs this may reach a child.
    CLEAN = %w[RUBYOPT RUBYLIB BUNDLE_GEMFILE BUNDLE_BIN_PATH BUNDLER_SETUP BUNDLER_VERSION GEM_PATH]
            .to_h { |name| [name, nil] }.freeze

    private

    def environment(peer)
      shared = CLEAN.merge('BENCH_SECONDS' => @options.seconds.to_s, **@options.environment)
      peer == OURS ? shared : shared.merge('GEM_HOME' => @gem_home)
    end

    def earlier(revision)
      tree = Tree.at(revision)
      Contender.new("#{OURS}@#{revision}", OURS, environment(OURS).merge(Tree::VARIABLE => tree.root))
    end

    def probe(contender)
      answer = Child.new(contender, '--version', @options).run
      contender.version = answer['version']
      contender.version &&= "#{contender.version}, #{Tree.current.describe}" if contender.name == OURS
      contender.missing = answer['missing'] || answer['failed']
    end
  end
end
