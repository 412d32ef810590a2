# frozen_string_literal: true

module Polyphony
  class Postgres
    # What goes over the connection of a {Pipeline}: each command with an end mark (Sync) of its own, and the answers in
    # the order of the commands. @api private
    module PipelineProtocol
      # What changes the state of a session, which all share, or cannot be done in a pipeline.
      UNFIT = %r{\A(?:\s|--[^\n]*\n|/\*.*?\*/)*(?<word>begin|start|commit|end|rollback|abort|savepoint|release|prepare|
                 execute|deallocate|discard|set|reset|listen|unlisten|copy|declare|fetch|lock|load)\b}imx.freeze
      TOO_MANY = 20 # statements that the server still keeps for nobody
      private_constant :UNFIT, :TOO_MANY

      private

      def ask(sql, params, prepare, life)
        name = prepare ? @statements.look_up(sql) : nil
        if name
          @wire.pg.send_query_prepared(name, params)
        else
          prepare(sql) if name == false
          refuse(sql) if name.nil?
          @wire.pg.send_query_params(sql, params)
        end
        @wanted += 1
        @counters[:pipelined] += 1
        sync(Request.new(life))
      end

      def refuse(sql)
        word = UNFIT.match(sql)&.[](:word)
        return unless word

        @statements.forget(sql) # or it would count as seen
        raise ::ArgumentError, "#{word.upcase} cannot go through the pipeline, whose connection all fibers share: " \
                               'use db.transaction { |tx| … } or db.with { |connection| … }, where this fiber has ' \
                               'one of its own'
      end

      # For the next time. Until the server has said yes the statement goes unprepared.
      def prepare(sql)
        return if @preparing[sql]

        statements = @statements
        name = statements.new_name
        @preparing[sql] = true
        @wire.pg.send_prepare(name, sql)
        sync(Request.new(nil) { |result| prepared(result, statements, sql, name) })
        deallocate if statements.dropped.size > TOO_MANY
      end

      def prepared(result, statements, sql, name)
        @preparing.delete(sql)
        statements.add(sql, name) if result&.result_status == ::PG::PGRES_COMMAND_OK
      end

      def deallocate
        @statements.dropped.each do |name|
          @wire.pg.send_query_params("DEALLOCATE #{name}", [])
          sync(Request.new(nil))
        end
        @statements.dropped.clear
      end

      def sync(request)
        @wire.pg.respond_to?(:send_pipeline_sync) ? @wire.pg.send_pipeline_sync : @wire.pg.sync_pipeline_sync
        @requests.push(request)
        request
      end

      # One wait of the fiber that reads.
      def step(timeout = nil)
        wire = @wire
        return unless wire

        take_in(wire) if wire.wait(::IO::READABLE, timeout)
      rescue ::PG::Error, ::SystemCallError, ::IOError => e
        lose(e) if wire.equal?(@wire)
      end

      def take_in(wire)
        return unless wire.equal?(@wire)

        wire.pg.consume_input
        harvest(wire)
      end

      # Gives out the answers that have come.
      def harvest(wire)
        pg = wire.pg
        ends = 0
        until ends > 1 || waiting?(pg) # two ends in a row: libpq awaits nothing
          result = pg.sync_get_result
          ends = result ? 0 : ends + 1
          sort(result) if result
        end
        wire.heard = Polyphony.now
        close if @closed && @requests.empty?
      end

      def waiting?(pg) = @requests.empty? || pg.is_busy

      def sort(result)
        result.result_status == ::PG::PGRES_PIPELINE_SYNC ? complete : @requests.first.take(result)
      end

      def complete
        request = @requests.shift
        @wanted -= 1 if request.wanted?
        request.finish
      end
    end
    private_constant :PipelineProtocol
  end
end
