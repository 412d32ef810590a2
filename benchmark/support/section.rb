# frozen_string_literal: true

module Bench
  RESULTS = File.expand_path('../results.md', __dir__)

  # Several benchmarks share one file of results, a chapter for each.
  module Section
    # @param file [String]
    # @param text [String] begins with its `# Title`; replaces the chapter of that title, or is put behind the last
    def self.write(file, text)
      chapters = (File.exist?(file) ? File.read(file) : '').split(/^(?=# )/).map(&:strip).reject(&:empty?)
      title = text.lines.first.strip
      place = chapters.index { |chapter| chapter.lines.first.strip == title } || chapters.size
      chapters[place] = text.strip
      File.write(file, "#{chapters.join("\n\n")}\n")
    end
  end
end
