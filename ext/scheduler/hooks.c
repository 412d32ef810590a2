#include "scheduler.h"
#include <math.h>

/* The Fiber::Scheduler hooks that wait for time and for other fibers. */

/*
 *  call-seq: kernel_sleep(duration = nil) -> true
 *
 *  The hook of Kernel#sleep, Mutex#sleep and ConditionVariable#wait. Suspends for +duration+
 *  seconds, without one until #unblock. Raises ArgumentError for a negative duration.
 */
static VALUE hook_kernel_sleep(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = hook_enter(self);
    struct waiter w;
    rb_check_arity(argc, 0, 1);
    VALUE duration = argc ? argv[0] : Qnil;
    if (duration == INT2FIX(0)) {
        scheduler_snooze(s);
        return Qtrue;
    }
    waiter_init(&w, WAITER_SLEEP, Qnil);
    double seconds = scheduler_seconds(duration, "time interval");
    if (seconds == 0) {
        scheduler_snooze(s);
        return Qtrue;
    }
    w.fiber = rb_fiber_current();
    w.task = s->current;
    waiter_set_timeout(s, &w, duration);
    blocked_insert(s, &w);
    scheduler_suspend(s, &w);
    return Qtrue;
}

/*
 *  call-seq: block(blocker, timeout = nil) -> true or false
 *
 *  The hook of Mutex, Queue, Thread#join and the like. Suspends until #unblock (true) or until
 *  +timeout+ seconds have passed (false).
 */
static VALUE hook_block(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = hook_enter(self);
    struct waiter w;
    rb_check_arity(argc, 1, 2);
    waiter_init(&w, WAITER_BLOCK, argv[0]);
    w.fiber = rb_fiber_current();
    w.task = s->current;
    if (s->early_count && early_take(s, w.fiber, argv[0])) return Qtrue;
    if (argc > 1) waiter_set_timeout(s, &w, argv[1]);
    blocked_insert(s, &w);
    scheduler_suspend(s, &w);
    return w.woken ? Qtrue : Qfalse;
}

/*
 *  call-seq: unblock(blocker, fiber) -> nil
 *
 *  Ends a #block of +fiber+ on +blocker+, or its sleep. From any thread; does not suspend. One that
 *  comes before its block is kept for it; one for a blocker that +fiber+ no longer waits for
 *  changes nothing.
 */
static VALUE hook_unblock(VALUE self, VALUE blocker, VALUE fiber)
{
    struct scheduler *s = scheduler_get(self);
    if (s->closed || s->generation != polyphony_generation) return Qnil;
    struct waiter *w = blocked_find(s, fiber);
    if (!w) {
        early_note(s, fiber, blocker);
        /* Ruby 3.3 unblocks a root fiber that closes an IO another thread waits in by this hook,
           although it sleeps in the thread itself. Ruby looks at its condition again. */
        if (RTEST(rb_obj_is_kind_of(blocker, rb_cThread)) && blocker == s->thread &&
            blocker != rb_thread_current() && !s->polling)
            rb_thread_wakeup_alive(s->thread);
        return Qnil;
    }
    if (w->kind == WAITER_BLOCK && !blocker_matches(w->subject, blocker)) return Qnil;
    if (w->state == WAITER_WAITING) {
        w->woken = 1;
        scheduler_wake(s, w);
    }
    return Qnil;
}

/*
 *  call-seq: fiber_interrupt(fiber, exception) -> nil
 *
 *  The hook of IO#close from Ruby 4.0 on: raises +exception+ in the wait of +fiber+.
 */
static VALUE hook_fiber_interrupt(VALUE self, VALUE fiber, VALUE exception)
{
    struct scheduler *s = scheduler_get(self);
    for (struct list *node = s->io_waiting.next; node != &s->io_waiting; node = node->next) {
        struct waiter *w = CONTAINER_OF(node, struct waiter, link);
        if (w->fiber != fiber) continue;
        w->error = exception;
        w->woken = 1;
        scheduler_wake(s, w);
        break;
    }
    return Qnil;
}

/* call-seq: yield -> nil: the hook for long computations (Ruby 4.0): lets other fibers run. */
static VALUE hook_yield(VALUE self)
{
    scheduler_snooze(hook_enter(self));
    return Qnil;
}

void Init_polyphony_hooks(VALUE scheduler)
{
    rb_define_method(scheduler, "kernel_sleep", hook_kernel_sleep, -1);
    rb_define_method(scheduler, "block", hook_block, -1);
    rb_define_method(scheduler, "unblock", hook_unblock, 2);
    rb_define_method(scheduler, "timeout_after", hook_timeout_after, -1);
    rb_define_method(scheduler, "fiber_interrupt", hook_fiber_interrupt, 2);
    rb_define_method(scheduler, "yield", hook_yield, 0);
}
