# frozen_string_literal: true

module Polyphony
  class Postgres
    # What to do about a connection that could not be made. libpq has only words for these errors. @api private
    module Hints
      TABLE = {
        /password authentication failed/ =>
          'check user and password: PGUSER, PGPASSWORD, ~/.pgpass, the URL (there %, @ and / are %25, %40, %2F)',
        /no password supplied/ => 'give a password: in the URL, as password:, in PGPASSWORD or in ~/.pgpass',
        /too many clients|remaining connection slots|too many connections/ =>
          'the server has no connection left: use a smaller size: in each process, raise max_connections, or put a ' \
          'pooler before it',
        /no pg_hba.conf entry/ =>
          'the server admits no such user from here: see its pg_hba.conf; it may want sslmode: "require"',
        /role ".*" does not exist/ => 'create the user with CREATE ROLE … LOGIN, or name another with user:',
        /database ".*" does not exist/ => 'create it with createdb, or name another with dbname:',
        /server does not support SSL/ => 'enable ssl on the server, or use sslmode: "disable" on a network you trust',
        /certificate verify failed|self-signed certificate/ =>
          'the server\'s certificate is not signed by what sslrootcert: names: give the right CA file',
        /root certificate file .* does not exist/ => 'name the CA with sslrootcert: (a file, or "system")',
        /does not match host name/ =>
          'the certificate is for another name: connect by that name, or use sslmode: "verify-ca"',
        /Connection refused|No such file or directory/ =>
          'nothing listens there: start the server, or check host: and port:',
        /starting up|shutting down|in recovery mode|not yet accepting/ =>
          'the server is starting or stopping: try again in a moment',
        /timeout expired|no answer/ =>
          'host, port or a firewall may be wrong, or the server overloaded; connect_timeout: says how long to try',
        /could not (translate|resolve)/ => 'check host:'
      }.freeze
      # Of these it is worth to try again.
      PASSING = ::Regexp.union(
        'Connection refused', 'No such file or directory', 'starting up', 'shutting down', 'in recovery mode',
        'not yet accepting', 'closed the connection unexpectedly', 'Connection reset', 'Broken pipe', 'no answer',
        'timeout expired', 'could not resolve', 'terminating connection', 'No route to host', 'unreachable'
      ).freeze

      # @param error [PG::Error]
      # @param place [String]
      # @return [ConnectionFailed]
      def self.explain(error, place)
        text = error.message.to_s.dup.force_encoding(::Encoding::UTF_8).scrub.strip
        hint = TABLE.find { |pattern, _| pattern.match?(text) }&.last
        ConnectionFailed.new("no connection to PostgreSQL at #{place}: #{text}#{". What to do: #{hint}" if hint}")
      end

      # @param error [PG::Error]
      # @return [Boolean]
      def self.passing?(error) = PASSING.match?(error.message.to_s.b)

      # @param error [PG::Error]
      # @return [Boolean] whether the server is there and will take connections soon
      def self.starting?(error) = /starting up|not yet accepting|in recovery mode/.match?(error.message.to_s.b)
    end
    private_constant :Hints
  end
end
