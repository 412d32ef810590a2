# frozen_string_literal: true

module Bench
  module HTTP
    # A server that is compared: a peer is one line of PEERS and one script in servers/.
    class Peer
      attr_reader :name, :gem, :script, :environment

      # @param name [String] what `--peers` calls it
      # @param gem [String, nil] the gem it comes from; nil: this tree
      # @param tls [Boolean] whether it speaks TLS
      def initialize(name, gem: nil, script: name, tls: true, environment: {})
        @name = name
        @gem = gem
        @script = File.join(__dir__, 'servers', "#{script}.rb")
        @tls = tls
        @environment = environment
      end

      def tls? = @tls
      def ours? = @gem.nil?
    end

    # The limit, which is no Ruby.
    RAW = Peer.new('raw C', tls: false)

    PEERS = [
      Peer.new('polyphony'),
      Peer.new('polyphony-rack', script: 'polyphony_rack'),
      Peer.new('falcon', gem: 'falcon'),
      Peer.new('puma', gem: 'puma'),
      Peer.new('puma-5', gem: 'puma', script: 'puma', environment: { 'BENCH_THREADS' => '5' }),
      Peer.new('iodine', gem: 'iodine'),
      Peer.new('itsi', gem: 'itsi-server'),
      Peer.new('agoo', gem: 'agoo', tls: false),
      Peer.new('tipi', gem: 'tipi')
    ].to_h { |peer| [peer.name, peer] }.freeze
    OURS = %w[polyphony polyphony-rack].freeze
  end
end
