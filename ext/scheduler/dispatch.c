#include "scheduler.h"
#include "gvl.h"
#include <limits.h>
#include <stdio.h>

/* Switching and polling: what a fiber does from the moment it waits until it runs again. */

/* Descriptor waits checked for a closed IO before each idle wait; see scan_closed. */
#define SCAN_BUDGET 32
#define SCAN_PAUSE 0.05
#define SCAN_PERIOD 1.0

/* One round of those whose descriptors are ready comes before the next poll, which would only find
   them ready again. */
static void process_fired(struct scheduler *s)
{
    unsigned fired = 0;
    struct watch *watch = s->backend->fired;
    s->backend->fired = NULL;
    s->backend->fired_tail = &s->backend->fired;
    while (watch) {
        struct watch *next = watch->next_fired;
        watch->fired = 0;
        watch->on_fire(watch);
        watch = next;
        fired++;
    }
    s->round = fired < SWITCHES_PER_POLL ? SWITCHES_PER_POLL
               : fired < MOST_PER_POLL   ? fired
                                         : MOST_PER_POLL;
}

static void poll_now(struct scheduler *s)
{
    s->since_poll = 0;
    run_polls(s);
    s->backend->ops->poll(s->backend);
    process_fired(s);
}

/* Fibers that keep each other busy never give up the GVL of themselves, and Ruby would take it from
   them every 100 ms only. */
static void let_threads_run(struct scheduler *s)
{
    if (RB_LIKELY(!s->tick) || rb_thread_alone()) return;
    s->tick = 0;
    s->checking = 1;
    rb_thread_schedule();
    s->checking = 0;
}

static struct waiter *ready_shift(struct scheduler *s)
{
    if (list_empty(&s->ready)) return NULL;
    struct list *node = RB_UNLIKELY(s->shuffled) ? order_pick(s) : s->ready.next;
    struct waiter *w = CONTAINER_OF(node, struct waiter, link);
    list_remove(&w->link);
    w->state = WAITER_RUNNING;
    s->current = w->task;
    return w;
}

/* No other thread of the program: only the one that watches us, if there is one. */
static int alone(const struct scheduler *s)
{
    if (rb_thread_alone()) return 1;
    if (RB_LIKELY(NIL_P(s->sampler))) return 0;
    VALUE threads = rb_funcall(rb_cThread, rb_intern("list"), 0);
    return RARRAY_LEN(threads) <= 2 && RTEST(rb_ary_includes(threads, s->sampler));
}

/*
 * Before Ruby 4.0 nobody tells a scheduler that an IO was closed, and the kernel drops a closed
 * descriptor from its poll set without a word: its waiters would wait for ever. So a few of them
 * are looked at before each idle wait, in turns; as long as some are unseen since a fiber last
 * ran, the wait is short, and a wait that ran out sees to all the rest. Returns the longest wait
 * allowed, or 0 when a fiber was woken.
 */
static double scan_closed(struct scheduler *s, unsigned budget)
{
    unsigned woken = 0;
    while (budget-- && s->unscanned && !list_empty(&s->io_waiting)) {
        struct waiter *w = CONTAINER_OF(s->io_waiting.next, struct waiter, link);
        list_remove(&w->link);
        list_append(&s->io_waiting, &w->link);
        s->unscanned--;
        if (io_is_closed(w->subject, w->watch.fd)) {
            w->watch.revents = BACKEND_GONE;
            w->woken = 1;
            scheduler_wake(s, w);
            woken++;
        }
    }
    if (woken) return 0;
    if (list_empty(&s->io_waiting)) return -1;
    if (s->unscanned) return SCAN_PAUSE;
    return alone(s) ? -1 : SCAN_PERIOD; /* another thread may close what we wait for */
}

static unsigned count(const struct list *list)
{
    unsigned n = 0;
    for (struct list *node = list->next; node != list; node = node->next) n++;
    return n;
}

/* Nothing can ever wake a fiber. `sleep` and `suspend` without limit are no deadlock: stock Ruby
   waits for a signal there, too. */
static int deadlocked(struct scheduler *s)
{
    if (s->backend->active || s->external || !alone(s)) return 0;
    for (struct list *node = s->waiting.next; node != &s->waiting; node = node->next) {
        struct waiter *w = CONTAINER_OF(node, struct waiter, link);
        if (w->kind == WAITER_SLEEP && !w->timer.active) return 0;
    }
    return !s->main->interrupts && !s->main->shield;
}

static void wait_for_events(struct scheduler *s, double limit)
{
    double before = traced(s) ? scheduler_now() : 0;
    s->polling = 1;
    gvl_backend_wait(s->backend, limit);
    s->polling = 0;
    run_begins(s);
    process_fired(s);
    if (traced(s)) trace_event(s, NULL, "poll", DBL2NUM(scheduler_now() - before));
}

/* What was sent to the thread (signals, Thread#raise) while it waited. */
static void check_interrupts(struct scheduler *s)
{
    s->checking = 1; /* stays set when an exception leaves here: see scheduler_suspend */
    rb_thread_check_ints();
    s->checking = 0;
}

/* For tests: what happens when all fibers wait, and go on doing so for a while. Returns whether it
   was for this function to act. */
static int settle(struct scheduler *s)
{
    struct waiter *settler = settle_first(s);
    double pause = settler ? settler->pause : -1, patience = clock_patience(s);
    if (pause < 0 && patience < 0) return 0;
    int jump = pause < 0 || (patience >= 0 && patience < pause);
    double quiet = jump ? patience : pause, until = scheduler_now() + quiet;
    if (quiet > 0) {
        wait_for_events(s, quiet);
        s->unscanned = count(&s->io_waiting);
        scan_closed(s, s->unscanned);
    }
    check_interrupts(s);
    if (!list_empty(&s->ready) || scheduler_now() < until) return 1;
    if (jump) {
        clock_jump(s);
    } else {
        settler->woken = 1;
        scheduler_wake(s, settler);
    }
    return 1;
}

static void idle(struct scheduler *s)
{
    int testing = s->clock || s->settling;
    /* With nothing to tell the kernel, the one call that waits is enough. */
    if (s->backend->dirty || testing) {
        poll_now(s);
        if (!list_empty(&s->ready)) return;
    }
    s->since_poll = 0;
    run_polls(s);

    double limit = scan_closed(s, SCAN_BUDGET);
    if (limit == 0) return;
    if (RB_UNLIKELY(testing) && settle(s)) return;
    if (deadlocked(s)) {
        VALUE error = rb_funcall(s->self, rb_intern("deadlock_error"), 0);
        if (!NIL_P(error)) {
            task_interrupt(s->main, error);
            return;
        }
        /* Ruby code ran, and with it, maybe, a trap handler that woke a fiber. */
        if (!list_empty(&s->ready)) return;
    }
    unsigned long before = s->backend->waits;
    wait_for_events(s, limit);
    if (limit > 0 && list_empty(&s->ready) && s->backend->waits != before) {
        if (limit == SCAN_PERIOD) s->unscanned = count(&s->io_waiting);
        scan_closed(s, s->unscanned);
    }
    check_interrupts(s);
}

static void switch_to(struct scheduler *s, struct waiter *next)
{
    s->switches++;
    if (next->kind == WAITER_START) {
        s->starting = next->task;
        rb_fiber_transfer(s->trampoline, 0, NULL);
    } else {
        rb_fiber_transfer(next->fiber, 0, NULL);
    }
}

/* Runs other fibers until somebody has switched back to this one on purpose. Control also comes
   here unasked, when a fiber ended in this one; then the next fiber is due. */
VALUE scheduler_run_until_running(VALUE argument)
{
    struct waiter *w = (struct waiter *)argument;
    struct scheduler *s = w->task->scheduler;
    do {
        if (++s->since_poll >= s->round) {
            poll_now(s);
            let_threads_run(s);
        }
        struct waiter *next = ready_shift(s);
        if (!next)
            idle(s);
        else if (next != w)
            switch_to(s, next);
    } while (w->state != WAITER_RUNNING);
    return Qnil;
}

/* --- the trampoline --- */

/*
 * A fiber's stack takes two memory mappings, of which Linux allows vm.max_map_count. At the limit
 * Ruby fails slowly, and what else needs a mapping (malloc) fails with it: refuse before that.
 */
#define FEW_STACKS 8000
#define SPARE_MAPPINGS 4096

unsigned polyphony_stacks;

static long read_map_limit(void)
{
    long limit = LONG_MAX;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (!file) return limit;
    if (fscanf(file, "%ld", &limit) != 1) limit = LONG_MAX;
    fclose(file);
    return limit;
}

static int room_for_stack(void)
{
    static long limit;
    if (polyphony_stacks < FEW_STACKS || 2L * polyphony_stacks + SPARE_MAPPINGS < limit) return 1;
    limit = read_map_limit(); /* it may have been raised meanwhile */
    return 2L * polyphony_stacks + SPARE_MAPPINGS < limit;
}

static void trampoline_resume(struct scheduler *s, struct task *t)
{
    s->last_started = t;
    s->current = t;
    rb_fiber_resume(t->fiber, 0, NULL);
    s->last_started = NULL;
}

/* The ready queue is empty: whoever waits polls, but never the trampoline, which must not run
   trap handlers. Prefers main, where they belong. */
static void trampoline_hand_over(struct scheduler *s)
{
    struct waiter *w = s->main->waiter;
    if (!w || !waiter_linked(w)) {
        struct list *list = list_empty(&s->waiting) ? &s->io_waiting : &s->waiting;
        if (list_empty(list)) {
            if (s->forked) ruby_stop(0); /* the forking fiber, all there was, has ended */
            rb_raise(eFiberError, "no fiber left to run");
        }
        w = CONTAINER_OF(list->next, struct waiter, link);
    }
    s->current = w->task;
    rb_fiber_transfer(w->fiber, 0, NULL);
}

static VALUE trampoline_step(VALUE argument)
{
    struct scheduler *s = (struct scheduler *)argument;
    struct task *t;
    if ((t = s->starting)) {
        s->starting = NULL;
        t->state = TASK_STARTING;
        if (!room_for_stack()) {
            s->last_started = t;
            rb_raise(eFiberError, "no memory mappings are left for one more fiber's stack");
        }
        t->stacked = 1;
        polyphony_stacks++;
        trampoline_resume(s, t);
        return Qnil;
    }
    if ((t = s->finishing)) {
        s->finishing = NULL;
        trampoline_resume(s, t);
        return Qnil;
    }
    if ((t = s->killed)) {
        s->killed = NULL;
        rb_fiber_transfer(t->fiber, 0, NULL);
        return Qnil;
    }
    struct waiter *next = ready_shift(s);
    if (!next)
        trampoline_hand_over(s);
    else if (next->kind == WAITER_START)
        s->starting = next->task;
    else
        switch_to(s, next);
    return Qnil;
}

struct failed_start {
    struct scheduler *s;
    struct task *t;
    VALUE error;
};

static VALUE report_failed_start(VALUE pointer)
{
    struct failed_start *failed = (struct failed_start *)pointer;
    task_failed_to_start(failed->s, failed->t, failed->error);
    return Qnil;
}

static void trampoline_error(struct scheduler *s)
{
    VALUE error = rb_errinfo();
    struct task *t = s->last_started;
    s->last_started = NULL;
    /* A kill that hits exactly here cannot be handed on as one: end the root like a stopped fiber.
     */
    if (!error_is_exception(error)) {
        error = rb_exc_new_cstr(eStop, "the thread was killed");
        t = NULL;
    }
    rb_set_errinfo(Qnil);
    if (t && t->state == TASK_STARTING) {
        struct failed_start failed = {s, t, error};
        int state = 0;
        rb_protect(report_failed_start, (VALUE)&failed, &state);
        if (!state) return;
        error = rb_errinfo();
        rb_set_errinfo(Qnil);
    }
    task_interrupt(s->main, error);
}

static VALUE trampoline_main(RB_BLOCK_CALL_FUNC_ARGLIST(first, data))
{
    struct scheduler *s = (struct scheduler *)NUM2ULL(data);
    (void)first, (void)argc, (void)argv, (void)blockarg;
    while (!s->closed) {
        int state = 0;
        rb_protect(trampoline_step, (VALUE)s, &state);
        if (state) trampoline_error(s);
    }
    return Qnil;
}

void scheduler_start_trampoline(struct scheduler *s)
{
    VALUE data = ULL2NUM((unsigned long long)(uintptr_t)s);
#ifdef HAVE_RB_FIBER_NEW_STORAGE
    s->trampoline = rb_fiber_new_storage(trampoline_main, data, Qnil);
#else
    s->trampoline = rb_block_call(cFiber, rb_intern("new"), 0, NULL, trampoline_main, data);
#endif
}
