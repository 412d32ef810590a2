# frozen_string_literal: true

require_relative '../spec_helper'

# What random programs have found, made small: each did what none may, with the seed of its order.
RSpec.describe 'Programs that were wrong once' do
  programs = {
    'two limits run out while others are waited for: it waited for ever' =>
      [30_215, [0, [[:spin, [3, [[:spin, [4, [[:ensure, [[:receive, nil]], [[:sleep, 7]]]]]],
                                 [:cancel_after, 7, [[:move_on, 3, [[:supervise]]]]]]]],
                    [:sleep, 7]]]],
    'an error came by itself, and then as one that another had suppressed' =>
      [1_003_513, [0, [[:spin, [3, [[:await_all, [0, 6, 0]]]]], [:spin, [8, [[:await_all, [3, 9]]]]],
                       [:spin, [9, [[:spin, [10, []]], [:fail]]]], [:rescue, [[:select, [1, 9]]]],
                       [:ensure, [[:receive, 1]], [[:snooze], [:snooze]]]]]],
    'an error came as one that another had suppressed, and then by itself' =>
      [1_003_513, [0, [[:spin, [1, [[:sleep, 8]]]], [:spin, [2, []]], [:spin, [3, [[:spin, [4, []]], [:await_all, [0, 6, 0]]]]],
                       [:snooze], [:spin, [8, [[:stop_now, 3], [:await_all, [3, 9]]]]], [:spin, [9, [[:receive, 0]]]],
                       [:rescue, [[:select, [1, 9]]]], [:ensure, [[:receive, 1]], [[:snooze]]]]]],
    'a fiber of a group was restarted before its error was seen: it came twice' =>
      [4_002_945, [0, [[:spin, [1, []]], [:spin, [2, []]], [:spin, [3, [[:await_all, [1, 0]]]]], [:sleep, 0],
                       [:spin, [5, [[:restart, 3], [:snooze]]]], [:rescue, [[:await_all, [2, 3, 3]]]], [:sleep, 2]]]],
    'send? took the DeadFiber of a child for its own answer' =>
      [5_047_179, [0, [[:spin, [1, [[:spin, [2, [[:limit, 1, 1]]]], [:send, 1], [:sleep, 2]]]], [:spin, [3, []]],
                       [:spin, [5, [[:spin, [6, [[:cancel, 3]]]], [:send, 1]]]], [:spin, [12, [[:receive, 3]]]],
                       [:sleep, 6]]]]
  }

  programs.each do |title, (seed, program)|
    it title do
      result = run_ruby(<<~RUBY, timeout: 10)
        require '#{File.join(ROOT, 'spec/property/check')}'
        puts Property::Check.faults(#{program.inspect}, #{seed})
      RUBY
      expect([result.stdout, result.stderr]).to eq(['', ''])
    end
  end
end
