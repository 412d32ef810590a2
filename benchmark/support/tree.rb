# frozen_string_literal: true

require 'fileutils'
require 'rbconfig'

module Bench
  # A tree of Polyphony that can be measured: this one, or an earlier commit of it laid out and compiled under tmp/.
  class Tree
    VARIABLE = 'BENCH_TREE'
    HERE = File.expand_path('../..', __dir__)

    attr_reader :root

    def self.current = new(ENV.fetch(VARIABLE, HERE))

    # @param revision [String] a commit, or the folder of another tree
    # @return [Tree] compiled for this Ruby
    # @raise [RuntimeError] if there is no such commit or it does not build
    def self.at(revision)
      return new(File.expand_path(revision)).compile if File.directory?(revision)

      id = `git -C #{HERE} rev-parse --verify --short=12 #{revision.dump}^{commit} 2>/dev/null`.strip
      raise "no such commit or folder: #{revision}" if id.empty?

      new(File.join(HERE, 'tmp/bench/trees', id)).lay_out(id).compile
    end

    def initialize(root)
      @root = root
    end

    # Commit and whether the tree differs from it.
    def describe
      id = `git -C #{@root} rev-parse --short HEAD 2>/dev/null`.strip
      return File.basename(@root) if @root != HERE
      return 'not committed yet' if id.empty?

      dirty = `git -C #{@root} status --porcelain -- lib ext 2>/dev/null`.empty? ? '' : ' with changes'
      "commit #{id}#{dirty}"
    end

    def extension_folder = File.join(@root, 'tmp/ext', RUBY_VERSION)

    def put_on_load_path = $LOAD_PATH.unshift(File.join(@root, 'lib'), extension_folder)

    # A plain copy by `git archive` rather than a git worktree, which would leave its mark in the repository.
    def lay_out(id)
      return self if File.exist?(File.join(@root, 'ext'))

      FileUtils.mkdir_p(@root)
      system("git -C #{HERE} archive #{id} | tar -x -C #{@root}") or raise "could not lay out #{id}"
      self
    end

    def compile
      return self if Dir.exist?(extension_folder) && !Dir.empty?(extension_folder)

      FileUtils.mkdir_p(log = File.join(HERE, 'tmp/bench'))
      log = File.join(log, 'compile.log')
      system(RbConfig.ruby, '-S', 'rake', 'compile', chdir: @root, %i[out err] => log) or
        raise "#{@root} does not compile: see #{log}"
      self
    end
  end
end
