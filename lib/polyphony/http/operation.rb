# frozen_string_literal: true

require_relative '../http'
require_relative 'operation/configuration'
require_relative 'operation/cluster'

module Polyphony
  module HTTP
    # Running a server as a program of its own: `polyphony serve`.
    #
    #   configuration.rb   settings: environment, file, command line
    #   app.rb             what is served
    #   worker.rb          one process that serves
    #   cluster.rb, child.rb  workers, and who looks after them
    #   notify.rb, pid_file.rb
    module Operation
      # @param configuration [Configuration]
      # @return [Integer] the exit status
      # @raise [SystemCallError] when it cannot listen
      def self.run(configuration)
        return Cluster.new(configuration).run unless configuration.workers.zero?

        sockets = configuration.bind.flat_map { |text| Bind.parse(text).then { |bind| bind.open.map { |socket| [bind, socket] } } }
        sockets.each { |bind, socket| warn "polyphony: listening on #{Listener.new(nil, bind, socket).address}" }
        Worker.new(configuration, sockets).run
        0
      end
    end
  end
end
