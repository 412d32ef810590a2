# frozen_string_literal: true

module Polyphony
  module HTTP
    # The media type of a file, by the end of its name: the few that a web page is made of.
    module MediaTypes
      # End of a name => type.
      TABLE = {
        'html' => 'text/html; charset=utf-8', 'htm' => 'text/html; charset=utf-8', 'css' => 'text/css; charset=utf-8',
        'js' => 'text/javascript; charset=utf-8', 'mjs' => 'text/javascript; charset=utf-8',
        'json' => 'application/json', 'map' => 'application/json', 'txt' => 'text/plain; charset=utf-8',
        'md' => 'text/markdown; charset=utf-8', 'csv' => 'text/csv; charset=utf-8', 'xml' => 'application/xml',
        'svg' => 'image/svg+xml', 'png' => 'image/png', 'jpg' => 'image/jpeg', 'jpeg' => 'image/jpeg',
        'gif' => 'image/gif', 'webp' => 'image/webp', 'avif' => 'image/avif', 'ico' => 'image/vnd.microsoft.icon',
        'woff' => 'font/woff', 'woff2' => 'font/woff2', 'ttf' => 'font/ttf', 'otf' => 'font/otf',
        'pdf' => 'application/pdf', 'wasm' => 'application/wasm', 'webmanifest' => 'application/manifest+json',
        'mp3' => 'audio/mpeg', 'ogg' => 'audio/ogg', 'mp4' => 'video/mp4', 'webm' => 'video/webm',
        'zip' => 'application/zip', 'gz' => 'application/gzip'
      }.freeze

      # @param path [String]
      # @return [String] `application/octet-stream` for an unknown one
      # @suspends no
      def self.of(path)
        TABLE.fetch(::File.extname(path).delete_prefix('.').downcase, 'application/octet-stream')
      end
    end
  end
end
