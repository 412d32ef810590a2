# frozen_string_literal: true

require_relative '../support/memory'
require_relative '../support/memory_workloads'

# Each workload suspends fibers in every way there is, and makes, moves and frees objects meanwhile.
# To see one fail, take away what it proves (then `rake compile`):
#   ext/scheduler/scheduler.c, scheduler_mark: without `rb_gc_mark(w->fiber)` fibers that wait are collected;
#     with rb_gc_mark_movable they are moved under the hash of waiters. All workloads fail, io and queues first.
#   task.c, task_mark: without `rb_gc_mark(t->handle)`: fibers, scopes
#   task.c, wrapper_mark: without the scheduler: threads
#   scope.c, scope_mark without the scope's own fiber, task_done without stopping the timers: nested
#   backend_class.c, backend_read: without rb_str_locktmp nothing fails here (the String is on the stack):
#     spec/backend/read_spec.rb has that one
#   fork.c, forget_tasks: without ending the scopes of forgotten fibers: processes
RSpec.describe 'Garbage collection under waiting fibers' do
  def run_workload(mode, name)
    run_ruby(Memory::WORKLOADS, mode, name, flags: ['--disable-gems'], timeout: 55)
  end

  titles = { 'stress' => 'at every allocation', 'compact' => 'with auto_compact', 'verify' => 'moving every object' }
  titles.each do |mode, title|
    MemoryWorkloads::NAMES.each do |name|
      it "#{title}: #{name}" do
        result = run_workload(mode, name)
        expect(result.stderr.lines.first(40).join).to eq('')
        expect(result.stdout).to eq("#{name}: ok\n")
        expect(result.status).to be_success
      end
    end
  end
end
