# frozen_string_literal: true

module Polyphony
  class Redis
    # The connection broke after a command had been sent and before its reply came: nobody knows whether the server
    # has executed it. It was not sent again, since twice might be wrong. Look what the server has, or use
    # {Calls#call_idempotent} for what may be done twice.
    class Unanswered < ::RedisClient::ConnectionError; end

    # Errors of connecting that say what to do.
    # @api private
    module Errors
      HINTS = {
        /\AWRONGPASS/ => 'Check user and password: Polyphony::Redis.new(url: "redis://USER:PASSWORD@HOST"), or ' \
                         'username: and password:. Without a user it is "default"',
        /\ANOAUTH|Authentication required/ =>
          'The server wants a password: Polyphony::Redis.new(url: "redis://:PASSWORD@HOST"), or password:',
        /without any password configured/ =>
          'The server knows no password for this user: leave it out of url: and password:, or set requirepass there',
        /\ADENIED/ => 'The server is in protected mode: it takes connections from its own host only, until it has a ' \
                      'password (requirepass) or "protected-mode no"',
        /\AERR max number of clients/ =>
          'The server takes no more connections: raise maxclients there, or have fewer (size:, subscriptions, …)',
        /\AERR DB index|invalid DB index/ => 'The server has no such database: see db:, the path of url:',
        /unknown command.*HELLO|NOPROTO/i => 'A server before Redis 6 needs protocol: 2'
      }.freeze
      private_constant :HINTS

      # @param config [RedisClient::Config]
      # @return [Object] the block's value
      # @raise [RedisClient::Error] with a hint
      def self.explained(config)
        yield
      rescue ::RedisClient::CommandError, ::RedisClient::UnsupportedServer => e
        hint = HINTS.find { |pattern, _| pattern.match?(e.message) }&.last
        raise unless hint

        raise explanation(e, hint, config), cause: e
      end

      def self.explanation(error, hint, config)
        text = "#{error.message.sub(/ \(\S+\)\z/, '')}. #{hint}"
        kind = error.message.start_with?('ERR max number') ? ::RedisClient::CannotConnectError : error.class
        kind.with_config(text, config)
      end
      private_class_method :explanation
    end
    private_constant :Errors
  end
end
