# frozen_string_literal: true

require 'etc'
require 'rbconfig'
require 'tmpdir'

# Order bugs: the structured specs with fibers in random orders, many seeds in few processes.
desc 'Run structured specs with shuffled fibers: rake shuffle, or rake shuffle[1,1000] (first seed, how many)'
task :shuffle, %i[from count] => :compile do |_, args|
  from = Integer(args[:from] || 1)
  count = Integer(args[:count] || 1000)
  specs = ENV.fetch('SPECS', 'spec/fiber spec/supervision spec/messages spec/constructs').split
  jobs = [Etc.nprocessors, 4, count].min
  # A hang is told with its seed. Examples with 10,000 fibers take half a minute on a busy machine.
  # Ruby 3.3 gives the memory of each ended fiber back to the system, which costs more than all else here.
  env = { 'RUBY_SHARED_FIBER_POOL_FREE_STACKS' => '0',
          'POLYPHONY_SPEC_TIMEOUT' => ENV.fetch('POLYPHONY_SPEC_TIMEOUT', '120'),
          'POLYPHONY_SHUFFLE_LIMIT' => ENV.fetch('POLYPHONY_SHUFFLE_LIMIT', '240') }

  shares = Array.new(jobs) { |job| [from + (count * job / jobs), (count * (job + 1) / jobs) - (count * job / jobs)] }
  Dir.mktmpdir do |folder|
    # Into files: a process that an example has left behind would keep a pipe open.
    running = shares.map do |first, number|
      output = File.join(folder, first.to_s)
      command = [RbConfig.ruby, '-I', 'spec', 'spec/support/shuffle_rounds.rb', first.to_s, number.to_s, *specs]
      [Process.spawn(env, *command, %i[out err] => output), output]
    end
    failed = running.map do |pid, output|
      status = Process.wait2(pid).last
      text = File.read(output)
      hung = text[/.*^(seed \d+)$/m, 1] unless text.match?(/^\d+ of \d+ seeds/)
      puts text.lines.grep_v(/\Aseed \d+\n/).join.strip
      next if status.success?

      puts "the last one was #{hung}: repeat an example with POLYPHONY_SHUFFLE=#{hung[/\d+/]}" if hung
      true
    end
    abort 'shuffle: failed' if failed.any?
  end
end
