# frozen_string_literal: true

module Polyphony
  module HTTP
    class TLS
      # The certificates of a server, read and checked.
      # @api private
      class Certificates
        include Enumerable

        # One certificate with its key and those above it.
        Certificate = Struct.new(:leaf, :key, :chain)

        # @param options [Hash] see {TLS#initialize}
        # @raise [ArgumentError]
        def initialize(options)
          pairs = [options.slice(:cert, :key), *options[:certificates]].reject(&:empty?)
          raise ::ArgumentError, 'TLS needs a certificate: cert: and key:, PEM files' if pairs.empty?

          @all = pairs.map { |pair| read(pair) }
        end

        # @yieldparam certificate [Certificate]
        def each(&block) = @all.each(&block)

        # @return [Array<Array(String, Integer)>] each host name and the index of its certificate; the first counts
        def names
          @all.each_with_index.flat_map { |one, index| names_of(one.leaf).map { |name| [name, index] } }.reverse
        end

        private

        def read(pair)
          leaf, *chain = certificates(pair[:cert])
          key = private_key(pair[:key])
          raise ::ArgumentError, "the key #{pair[:key]} is not that of the certificate #{pair[:cert]}" unless leaf.check_private_key(key)

          Certificate.new(leaf, key, chain)
        end

        def certificates(source)
          return [*source] unless source.is_a?(::String)

          ::OpenSSL::X509::Certificate.load_file(source)
        rescue ::SystemCallError, ::OpenSSL::OpenSSLError => e
          raise ::ArgumentError, "the certificate #{source} cannot be read: #{e.message}"
        end

        def private_key(source)
          raise ::ArgumentError, 'TLS needs a key: for each cert:' if source.nil?
          return source unless source.is_a?(::String)

          ::OpenSSL::PKey.read(::File.read(source))
        rescue ::SystemCallError, ::OpenSSL::OpenSSLError => e
          raise ::ArgumentError, "the key #{source} cannot be read: #{e.message}"
        end

        def names_of(certificate)
          extension = certificate.extensions.find { |one| one.oid == 'subjectAltName' }
          names = extension ? extension.value.scan(/DNS:([^,\s]+)/).flatten : []
          names = certificate.subject.to_a.filter_map { |name, value, _| value if name == 'CN' } if names.empty?
          names.map(&:downcase)
        end
      end
    end
  end
end
