# frozen_string_literal: true

require_relative '../http'
require_relative 'operation/configuration'
require_relative 'operation/single'
require_relative 'operation/cluster'

module Polyphony
  module HTTP
    # Running a server as a program of its own: `polyphony serve`.
    #
    #   configuration.rb   settings: environment, configuration_file.rb, command line; settings.rb checks them
    #   app.rb             what is served
    #   worker.rb          one process that serves; life.rb: what it tells the first one
    #   single.rb          the first process serves itself
    #   cluster.rb         the first process looks after workers: crew.rb, child.rb, generation.rb
    #   sockets.rb, notify.rb, pid_file.rb
    module Operation
      # @param configuration [Configuration]
      # @return [Integer] the exit status
      # @raise [SystemCallError] when it cannot listen
      # @raise [Polyphony::Error] when there is no app, or another server has the pid file
      # @suspends no: it is no part of a program with fibers
      def self.run(configuration)
        log = Log.new($stderr)
        unused = configuration.unused_sockets.join(' ')
        log.warn("systemd has passed #{unused}, which are not used: `bind` says where to listen") unless unused.empty?
        (configuration.workers.zero? ? Single : Cluster).new(configuration, log: log).run
      end
    end
  end
end
