# frozen_string_literal: true

require 'openssl'

module Stock
  # A key and a self-signed certificate for localhost, made once a run.
  module TLS
    class << self
      def server_context
        OpenSSL::SSL::SSLContext.new.tap { |context| context.add_certificate(certificate, key) }
      end

      # Trusts the certificate, and checks it.
      def client_context
        OpenSSL::SSL::SSLContext.new.tap do |context|
          context.verify_mode = OpenSSL::SSL::VERIFY_PEER
          context.cert_store = store
        end
      end

      def store
        OpenSSL::X509::Store.new.tap { |store| store.add_cert(certificate) }
      end

      def key
        @key ||= OpenSSL::PKey::EC.generate('prime256v1')
      end

      def certificate
        @certificate ||= OpenSSL::X509::Certificate.new.tap { |certificate| fill(certificate) }
      end

      private

      def fill(certificate)
        certificate.version = 2
        certificate.serial = 1
        certificate.subject = certificate.issuer = OpenSSL::X509::Name.parse('/CN=localhost')
        certificate.public_key = key
        certificate.not_before = Time.now - 3600
        certificate.not_after = Time.now + 3600
        factory = OpenSSL::X509::ExtensionFactory.new(certificate, certificate)
        certificate.add_extension(factory.create_extension('basicConstraints', 'CA:TRUE', true))
        certificate.add_extension(factory.create_extension('subjectAltName', 'DNS:localhost,IP:127.0.0.1', false))
        certificate.sign(key, OpenSSL::Digest.new('SHA256'))
      end
    end
  end
end
