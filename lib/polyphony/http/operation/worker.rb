# frozen_string_literal: true

require_relative 'app'
require_relative 'life'

module Polyphony
  module HTTP
    module Operation
      # One process that serves: by itself (see {Single}), or as one of a {Cluster}.
      class Worker
        # @param configuration [Configuration]
        # @param sockets [Enumerable<Array(Bind, TCPServer)>] open already
        # @param life [Life, Single] who is told that it is ready, and then that it is alive
        # @param index [Integer] which of the workers
        # @param handler [Proc, nil] loaded already
        def initialize(configuration, sockets, life, index: 0, handler: nil)
          @configuration = configuration
          @sockets = sockets
          @life = life
          @index = index
          @handler = handler
          @log = life.log
          @lone = life.is_a?(Single) # nobody else looks after us
        end

        # Serves until a signal: TERM (and INT, when it is alone) lets requests finish, a second one does not;
        # HUP reads certificates again and opens logs again, USR1 opens logs again, QUIT prints a dump.
        #
        # @return [void]
        # @raise [Exception] what the app fails with as it is loaded
        # @suspends until the server has stopped
        def run
          Polyphony.dump_on('QUIT') # also while the app is being loaded
          Polyphony.run do
            @configuration.on_worker_start&.call(@index)
            @server = make_server
            trap_signals(Polyphony.spin(:signals) { obey })
            Polyphony.spin(:life) { show_life }
            @server.run
            stopped
          end
        end

        private

        def make_server
          handler = @handler || App.load(App.find(@configuration.app))
          server = Server.new(bind: @configuration.bind, tls: @configuration.tls, access_log: access_log, log: @log,
                              **@configuration.limits, &handler)
          @sockets.each { |bind, socket| server.adopt(bind, socket) }
          server
        end

        def access_log
          target = @configuration.access_log or return
          io = target == :stdout ? $stdout : ::File.open(target, 'a')
          @access_log = AccessLog.new(io, format: @configuration.access_log_format)
        rescue ::SystemCallError => e
          raise Error, "the access log cannot be opened: #{e.message}"
        end

        def stopped
          @configuration.on_worker_stop&.call(@index)
        rescue ::StandardError => e
          @log.failure(e, nil)
        end

        # --- signals ---

        # The end is looked after here and not by a fiber: a second signal must work while none gets to run.
        # INT in a cluster is for the cluster: Ctrl-C goes to all processes at once.
        def trap_signals(controller)
          %w[HUP USR1].each { |name| ::Signal.trap(name) { controller.send?(name) } }
          ends = @lone ? %w[TERM INT] : %w[TERM]
          ends.each { |name| ::Signal.trap(name) { @ending ? end_at_once : end_by(controller) } }
        end

        def end_by(controller)
          @ending = true
          end_later if @lone
          controller.send?('TERM')
        end

        def end_at_once
          @life.clean_up
          exit!(1)
        end

        # Nobody else kills us when a handler never waits.
        def end_later
          seconds = @configuration.grace + Child::KILL_AFTER
          ::Thread.new do
            @log.info("stopping: requests under way have #{@configuration.grace} s")
            sleep(seconds)
            @log.warn("not stopped after #{seconds} s: ended")
            end_at_once
          end
        end

        def obey
          Polyphony.receive_loop do |signal|
            case signal
            when 'HUP' then reload
            when 'USR1' then reopen
            else stop
            end
          rescue ::StandardError => e
            @log.failure(e, nil)
          end
        end

        def stop
          @life.stopping if @lone
          Polyphony.spin(:stop) { @server.stop(grace: @configuration.grace) }
        end

        def reload
          @life.reloading if @lone
          @server.reload_certificates
          reopen
          @log.info('the certificates were read again; for a new configuration or app, restart') if @lone
        rescue ::ArgumentError => e
          @log.warn("the certificates stay as they are: #{e.message}")
        ensure
          @life.ready if @lone
        end

        def reopen
          @access_log&.reopen
        rescue ::SystemCallError, ::IOError => e
          @log.warn("the access log cannot be opened again: #{e.message}")
        end

        # A sign of life each second: who stops giving them does not let its fibers run any more. When nobody
        # listens, the cluster is gone, and so are we.
        def show_life
          @life.ready
          sleep(@life.interval) while @life.beat
          @log.warn('the first process is gone: stopping')
          @server.stop(grace: @configuration.grace)
        end
      end
    end
  end
end
