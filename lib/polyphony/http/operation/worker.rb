# frozen_string_literal: true

require_relative 'app'

module Polyphony
  module HTTP
    module Operation
      # One process that serves: by itself, or as one of a {Cluster}.
      class Worker
        # @param configuration [Configuration]
        # @param sockets [Array<Array(Bind, TCPServer)>] open already
        # @param index [Integer] which of the workers
        # @param handler [Proc, nil] loaded already
        # @param life [IO, nil] where it says that it is ready, and then that it is alive
        def initialize(configuration, sockets, index: 0, handler: nil, life: nil)
          @configuration = configuration
          @sockets = sockets
          @index = index
          @handler = handler
          @life = life
        end

        # Serves until a signal: TERM and INT let requests finish, a second one does not; HUP reads certificates
        # again, USR1 opens logs again.
        #
        # @return [void]
        # @raise [Exception] what the app fails with as it is loaded
        def run
          Polyphony.run do
            @configuration.on_worker_start&.call(@index)
            @server = make_server
            controller = Polyphony.spin(:signals) { obey }
            trap_signals(controller)
            Polyphony.spin(:life) { show_life }
            @server.run
            @configuration.on_worker_stop&.call(@index)
          end
        end

        private

        def make_server
          handler = @handler || App.load(App.find(@configuration.app))
          server = Server.new(bind: @configuration.bind, tls: @configuration.tls, access_log: access_log,
                              **@configuration.limits, &handler)
          @sockets.each { |bind, socket| server.adopt(bind, socket) }
          server
        end

        def access_log
          target = @configuration.access_log or return
          io = target == :stdout ? $stdout : ::File.open(target, 'a')
          @access_log = AccessLog.new(io, format: @configuration.access_log_format)
        end

        def trap_signals(controller)
          %w[TERM INT HUP USR1 USR2 QUIT].each { |name| ::Signal.trap(name) { controller << name } }
        end

        def obey
          stopping = false
          Polyphony.receive_loop do |signal|
            case signal
            when 'HUP' then reload
            when 'USR1' then @access_log&.reopen
            when 'QUIT' then warn(Polyphony.tree)
            when 'TERM', 'INT'
              stopping ? exit!(1) : Polyphony.spin(:stop) { @server.stop(grace: @configuration.grace) }
              stopping = true
            end
          end
        end

        def reload
          @server.reload_certificates
          @access_log&.reopen
        rescue ::ArgumentError => e
          @server.log.warn("the certificates stay as they are: #{e.message}")
        end

        # A sign of life each second: who stops giving them does not let its fibers run any more.
        def show_life
          return unless @life

          @life.write('r')
          Polyphony.every(1) { @life.write('.') }
        rescue ::Errno::EPIPE # the cluster is gone: so are we
          @server.stop(grace: @configuration.grace)
        end
      end
    end
  end
end
