# frozen_string_literal: true

module Polyphony
  class Redis
    # Going through what there is, piece by piece, while others use the server. What is added or removed meanwhile may
    # or may not come, and what is there may come twice: so is SCAN.
    module Scanning
      # @param match [String, nil] pattern, such as `user:*`
      # @param count [Integer, nil] roughly how many the server looks at for each reply; nil: 10
      # @param type [String, nil] string, list, set, zset, hash, stream
      # @yieldparam key [String]
      # @return [nil, Enumerator] an Enumerator without a block
      # @raise [RedisClient::Error] as {Calls#call}
      # @suspends for each piece
      def scan_each(match: nil, count: nil, type: nil, &block)
        return to_enum(:scan_each, match: match, count: count, type: type) unless block

        scan(%w[SCAN], { match: match, count: count, type: type }) { |keys| keys.each(&block) }
      end

      # @param key [String, Symbol] of a set
      # @yieldparam member [String]
      # @return [nil, Enumerator]
      # @suspends for each piece
      def sscan_each(key, match: nil, count: nil, &block)
        return to_enum(:sscan_each, key, match: match, count: count) unless block

        scan(['SSCAN', key], { match: match, count: count }) { |members| members.each(&block) }
      end

      # @param key [String, Symbol] of a hash
      # @yieldparam field [String]
      # @yieldparam value [String]
      # @return [nil, Enumerator]
      # @suspends for each piece
      def hscan_each(key, match: nil, count: nil, &block)
        return to_enum(:hscan_each, key, match: match, count: count) unless block

        scan(['HSCAN', key], { match: match, count: count }) { |pairs| pairs.each_slice(2, &block) }
      end

      # @param key [String, Symbol] of a sorted set
      # @yieldparam member [String]
      # @yieldparam score [Float]
      # @return [nil, Enumerator]
      # @suspends for each piece
      def zscan_each(key, match: nil, count: nil)
        return to_enum(:zscan_each, key, match: match, count: count) unless block_given?

        scan(['ZSCAN', key], { match: match, count: count }) do |pairs|
          pairs.each_slice(2) { |member, score| yield member, Float(score) }
        end
      end

      private

      def scan(command, options)
        cursor = nil
        until cursor == '0'
          cursor, found = call(*command, cursor || '0', **options)
          yield found
        end
      end
    end
    private_constant :Scanning
  end
end
