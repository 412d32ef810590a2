# frozen_string_literal: true

require 'openssl'

# Certificates for specs of TLS, signed by themselves or by an authority of theirs.
module HttpCertificates
  Pair = Struct.new(:cert, :key) do
    # @return [Hash] as the server wants them
    def options = { cert: cert, key: key }

    # Writes PEM files and returns their paths.
    def save(dir, name)
      { cert: File.join(dir, "#{name}.crt"), key: File.join(dir, "#{name}.key") }.tap do |paths|
        File.write(paths[:cert], cert.to_pem)
        File.write(paths[:key], key.to_pem)
      end
    end
  end

  module_function

  # @param names [Array<String>] host names; the first is the subject
  # @param by [Pair, nil] the authority
  def certificate(*names, by: nil, authority: false, alternative_names: true)
    key = OpenSSL::PKey::EC.generate('prime256v1')
    cert = blank(names.first, key, by)
    factory = OpenSSL::X509::ExtensionFactory.new(by&.cert || cert, cert)
    cert.add_extension(factory.create_extension('basicConstraints', authority ? 'CA:TRUE' : 'CA:FALSE', true))
    cert.add_extension(factory.create_extension('subjectAltName', names.map { |name| "DNS:#{name}" }.join(','))) if alternative_names
    cert.sign(by&.key || key, 'SHA256')
    Pair.new(cert, key)
  end

  def blank(name, key, issuer)
    OpenSSL::X509::Certificate.new.tap do |cert|
      cert.version = 2
      cert.serial = rand(1 << 60)
      cert.subject = OpenSSL::X509::Name.new([['CN', name]])
      cert.issuer = issuer ? issuer.cert.subject : cert.subject
      cert.public_key = key
      cert.not_before = Time.now - 60
      cert.not_after = Time.now + 86_400
    end
  end
  private_class_method :blank
end
