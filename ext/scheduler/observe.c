#include "scheduler.h"
#include <math.h>

/* What can be seen from outside: events as they happen, and who keeps the others waiting. All of it
   is paid for by those who ask. */

struct observer {
    VALUE callable;
    int argc;
    const VALUE *arguments;
};

static VALUE call_observer(VALUE pointer)
{
    struct observer *observer = (struct observer *)pointer;
    return rb_funcallv(observer->callable, rb_intern("call"), observer->argc, observer->arguments);
}

/* Calls a tracer or a watcher of holds: in the midst of a switch, see scheduler_suspend for what it
   cannot do. An error in it switches it off and goes to main. */
static void observe(struct scheduler *s, const VALUE *callable, int argc, const VALUE *arguments)
{
    struct observer observer = {*callable, argc, arguments};
    int state = 0;
    VALUE before = rb_errinfo();
    s->observing = 1;
    rb_protect(call_observer, (VALUE)&observer, &state);
    s->observing = 0;
    if (!state) return;
    VALUE error = rb_errinfo();
    if (callable == &s->trace)
        s->trace = Qnil;
    else
        s->hold_limit = 0;
    if (!error_is_exception(error)) rb_jump_tag(state); /* the thread is being killed */
    rb_set_errinfo(before);
    task_interrupt(s->main, error);
}

/* --- tracing --- */

void trace_event(struct scheduler *s, struct task *t, const char *name, VALUE detail)
{
    if (s->observing) return;
    VALUE arguments[] = {ID2SYM(rb_intern(name)), t ? task_wrapper(t) : Qnil, detail,
                         DBL2NUM(scheduler_time(s))};
    observe(s, &s->trace, 4, arguments);
}

/*
 *  call-seq: scheduler.trace = callable or nil
 *
 *  Has +callable+.call(event, task, detail, time) called: :spin, :run (starts, or goes on), :wait
 *  (detail: what for), :end, :poll (detail: seconds the loop was idle). It cannot wait: for IO it
 *  blocks the thread, all else raises.
 */
static VALUE scheduler_m_set_trace(VALUE self, VALUE callable)
{
    struct scheduler *s = hook_enter(self);
    if (!NIL_P(callable) && !rb_respond_to(callable, rb_intern("call")))
        rb_raise(rb_eTypeError, "a tracer must respond to call");
    return s->trace = callable;
}

static VALUE scheduler_m_trace(VALUE self)
{
    return scheduler_get(self)->trace;
}

/* --- who holds the loop --- */

/*
 * A look at the clock at every switch is not for nothing. So the exact time of each run is taken
 * only while somebody watches; else what is known is the time between two looks at the operating
 * system, by a clock of some milliseconds' grain: a long run is nearly all of it.
 */
static double run_clock(const struct scheduler *s)
{
#ifdef CLOCK_MONOTONIC_COARSE
    if (s->hold_limit == 0) return clock_seconds(CLOCK_MONOTONIC_COARSE);
#endif
    return scheduler_now();
}

void run_begins(struct scheduler *s)
{
    s->run_from = run_clock(s);
}

static double note_run(struct scheduler *s)
{
    double now = run_clock(s), seconds = now - s->run_from;
    s->run_from = now;
    if (seconds > 0) s->tick = 1;
    if (seconds > s->longest_run) s->longest_run = seconds;
    return seconds;
}

void run_polls(struct scheduler *s)
{
    if (RB_LIKELY(s->hold_limit == 0)) note_run(s);
}

static void report_hold(struct scheduler *s, double seconds)
{
    VALUE arguments[] = {task_wrapper(s->current), DBL2NUM(seconds)};
    observe(s, &s->on_hold, 2, arguments);
    run_begins(s); /* what the watcher took is not the fiber's */
}

void run_ends_watched(struct scheduler *s)
{
    double seconds = note_run(s);
    if (seconds >= s->hold_limit) report_hold(s, seconds);
}

/*
 *  call-seq: scheduler.watch_holds(seconds, callable or nil)
 *
 *  Has +callable+.call(task, seconds) called when a fiber kept all others from running for
 * +seconds+ or more: in that fiber, where it waits next or ends. An error in it ends the watch and
 * goes to main.
 */
static VALUE scheduler_m_watch_holds(VALUE self, VALUE limit, VALUE callable)
{
    struct scheduler *s = hook_enter(self);
    double seconds = scheduler_seconds(limit, "limit");
    if (!NIL_P(callable) && !rb_respond_to(callable, rb_intern("call")))
        rb_raise(rb_eTypeError, "a watcher must respond to call");
    if (!NIL_P(callable) && (seconds == 0 || isinf(seconds)))
        rb_raise(rb_eArgError, "limit must be positive and finite");
    s->on_hold = callable;
    s->hold_limit = NIL_P(callable) ? 0 : seconds;
    run_begins(s);
    return self;
}

/*
 *  call-seq: running -> [Task, seconds] or nil
 *
 *  Who runs now, and for how long without letting others run (without #watch_holds: since the loop
 *  last looked at the operating system). nil while the loop is idle. From any thread.
 */
static VALUE scheduler_m_running(VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    if (s->closed || s->polling) return Qnil;
    double seconds = run_clock(s) - s->run_from;
    return rb_assoc_new(task_wrapper(s->current), DBL2NUM(seconds > 0 ? seconds : 0));
}

/* Names a thread that only watches this scheduler: a Deadlock is found in spite of it. */
static VALUE scheduler_m_set_sampler(VALUE self, VALUE thread)
{
    struct scheduler *s = scheduler_get(self);
    if (!NIL_P(thread) && !RTEST(rb_obj_is_kind_of(thread, rb_cThread)))
        rb_raise(rb_eTypeError, "Thread expected");
    return s->sampler = thread;
}

void Init_polyphony_observe(VALUE scheduler)
{
    rb_define_method(scheduler, "trace=", scheduler_m_set_trace, 1);
    rb_define_method(scheduler, "trace", scheduler_m_trace, 0);
    rb_define_method(scheduler, "watch_holds", scheduler_m_watch_holds, 2);
    rb_define_method(scheduler, "running", scheduler_m_running, 0);
    rb_define_method(scheduler, "sampler=", scheduler_m_set_sampler, 1);
}
