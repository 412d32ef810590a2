# frozen_string_literal: true

module Bench
  # Rows of the benchmark of the adapters; run.rb tells what they are.
  module Adapters
    # One way to do a row's operation.
    Contender = Struct.new(:name, :on, :prepare)

    # One operation, and the ways to do it.
    class Row
      ALL = {} # filled by the files of the servers
      RUNTIMES = %i[polyphony polyphony_stock async threads].freeze

      # @return [Hash{String => Contender}] the first is the one that the others are compared with
      attr_reader :contenders
      attr_reader :id, :title, :unit, :units, :server, :wanted, :over, :check

      # @param unit [String] what one operation is
      # @param server [String] the variable that says where its server is
      # @param units [Integer] fibers, or threads, at the same time
      # @param wanted [Numeric, nil] operations a second that are the bar for the first contender
      # @param over [Numeric, nil] the bar as a multiple of the second contender's rate
      # @param check [Proc, nil] whether what an operation gave is right
      def initialize(id, title, unit:, server:, units: 50, wanted: nil, over: nil, check: nil, &block) # rubocop:disable Metrics/ParameterLists -- options
        @id = id
        @title = title
        @unit = unit
        @server = server
        @units = units
        @wanted = wanted
        @over = over
        @check = check || ->(_value) { true }
        @contenders = {}
        instance_exec(&block)
      end

      # @param on [Symbol] one of RUNTIMES
      # @yieldparam stage [Stage]
      # @yieldreturn [#call] does one operation; is given the unit's number
      def contender(name, on:, &prepare)
        raise ArgumentError, "on: is one of #{RUNTIMES}" unless RUNTIMES.include?(on)

        @contenders[name] = Contender.new(name, on, prepare)
      end
    end

    # @param server [String] the variable that says where the row's server is; taken from the id's first word
    def self.row(id, title, server: SERVERS.fetch(id[/\A[a-z]+/]), **options, &block)
      Row::ALL[id] = Row.new(id, title, server: server, **options, &block)
    end

    SERVERS = { 'pg' => 'DATABASE_URL', 'redis' => 'REDIS_URL', 'mysql' => 'MYSQL_URL', 'sqlite' => nil }.freeze

    # In the order of the report.
    %w[postgres redis mysql sqlite3].each do |name|
      file = File.join(__dir__, "#{name}.rb")
      require file if File.exist?(file)
    end
  end
end
