# frozen_string_literal: true

require 'socket'
require_relative 'cells'
require_relative '../support/contenders'
require_relative '../support/process_usage'

module Bench
  module WebSocket
    # A server for one measurement, on a core of its own.
    class Server
      include ProcessUsage

      Failure = Class.new(StandardError)
      FOLDER = File.join(Tree::HERE, 'tmp/bench')
      # Where Debian has node-ws; npm's are found by NODE_PATH.
      NODE_PATH = [ENV.fetch('NODE_PATH', nil), '/usr/share/nodejs'].compact.join(':')

      # @param peer [Peer]
      # @return [Array(String, String)] its version, and nil or why it is missing
      def self.version(peer, gem_home)
        return [Tree.current.describe, nil] if peer.gem.nil?
        return node_version if peer.script.end_with?('.js')

        found = Dir.glob(File.join(gem_home, 'specifications', "#{peer.gem}-[0-9]*.gemspec")).max
        found ? [File.basename(found, '.gemspec'), nil] : [nil, "the gem #{peer.gem} is not in #{gem_home}"]
      end

      def self.node_version
        code = "require('ws/package.json').version + ', Node ' + process.version"
        version = IO.popen({ 'NODE_PATH' => NODE_PATH }, ['node', '-p', code, { err: File::NULL }], &:read).strip
        version.empty? ? [nil, 'Node has no ws here (Debian: node-ws)'] : ["ws-#{version}", nil]
      rescue Errno::ENOENT
        [nil, 'there is no node']
      end
      private_class_method :node_version

      attr_reader :port

      def initialize(peer, mode, gem_home, core)
        @port = Addrinfo.tcp('127.0.0.1', 0).bind { |socket| socket.local_address.ip_port }
        environment, command = how(peer, gem_home)
        @pid = Process.spawn({ **Contenders::CLEAN, **environment }, 'taskset', '-c', core, *command, @port.to_s, mode,
                             in: File::NULL, out: "#{FOLDER}/websocket-server.log", err: %i[child out], pgroup: true)
        wait
      rescue Failure
        kill
        raise
      end

      def kill
        Process.kill(:KILL, -@pid)
        Process.wait(@pid)
      rescue SystemCallError
        nil
      end

      private

      def how(peer, gem_home)
        script = File.join(__dir__, 'servers', peer.script)
        return [{ 'NODE_PATH' => NODE_PATH }, ['node', script]] if script.end_with?('.js')
        return [{ 'GEM_HOME' => gem_home }, [RbConfig.ruby, script]] if peer.gem

        tree = Tree.current
        load_path = [File.join(tree.root, 'lib'), tree.extension_folder].flat_map { |folder| ['-I', folder] }
        [{ 'POLYPHONY_MAIN' => '0' }, [RbConfig.ruby, *load_path, script]]
      end

      def wait
        150.times do
          raise Failure, File.read("#{FOLDER}/websocket-server.log").lines.first.to_s.strip if Process.wait(@pid, Process::WNOHANG)

          return TCPSocket.new('127.0.0.1', @port).close
        rescue Errno::ECONNREFUSED
          sleep 0.1
        end
        raise Failure, 'did not start within 15 s'
      end
    end
  end
end
