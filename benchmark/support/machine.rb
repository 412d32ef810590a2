# frozen_string_literal: true

require 'etc'

module Bench
  # What the figures were taken on.
  module Machine
    module_function

    def lines
      ["#{Etc.nprocessors} cores (#{cpu}), #{memory} MB, Linux #{Etc.uname[:release]}, #{system_name}",
       RUBY_DESCRIPTION]
    end

    # @return [Float] how many processes wanted a core in the last minute
    def load = File.read('/proc/loadavg').to_f
    def cpu = File.read('/proc/cpuinfo')[/model name\s*:\s*(.*)/, 1] || RbConfig::CONFIG['host_cpu']
    def memory = File.read('/proc/meminfo')[/MemTotal:\s+(\d+)/, 1].to_i / 1024
    def system_name = File.read('/etc/os-release')[/PRETTY_NAME="?([^"\n]*)/, 1]
  end
end
