#include "scheduler.h"
#include <errno.h>
#include <math.h>

/* The life of a scheduler and of one wait in it. */

VALUE cFiber, eFiberError, eStop;

static void scheduler_mark(void *pointer)
{
    struct scheduler *s = pointer;
    if (!s->backend) return;
    const struct list *lists[] = {&s->ready, &s->waiting, &s->io_waiting};
    /* All that waits is reachable only from stacks of fibers that wait: root it here. Pinned,
       because waiters and hashes hold addresses. */
    /* In a forked child the waiters of threads that are gone lay on stacks that are gone. */
    int inherited = s->generation != polyphony_generation;
    for (int i = 0; i < 3 && !inherited; i++) {
        for (struct list *node = lists[i]->next; node != lists[i]; node = node->next) {
            struct waiter *w = CONTAINER_OF(node, struct waiter, link);
            rb_gc_mark(w->fiber);
            rb_gc_mark(w->subject);
            if (w->error) rb_gc_mark(w->error);
        }
    }
    for (struct list *node = s->tasks.next; node != &s->tasks; node = node->next)
        task_mark(CONTAINER_OF(node, struct task, link), !inherited);
    task_mark(s->root, !inherited);
    for (unsigned i = 0; i < s->early_count * 2; i++) rb_gc_mark(s->early[i]);
    rb_gc_mark(s->thread);
    rb_gc_mark(s->home);
    rb_gc_mark(s->trampoline);
    rb_gc_mark(s->on_close);
    rb_gc_mark(s->on_fork);
    rb_gc_mark(s->on_finish);
    rb_gc_mark(s->trace);
    rb_gc_mark(s->on_hold);
    rb_gc_mark(s->seed);
    rb_gc_mark(s->sampler);
}

static void scheduler_free(void *pointer)
{
    struct scheduler *s = pointer;
    /* Reached without close only when the thread was lost with its fibers: leave their stacks
       alone. Tasks have wrappers of their own, hence the count. */
    if (s->backend) {
        if (s->main != s->root) task_release(s->main);
        while (!list_empty(&s->tasks)) {
            struct task *t = CONTAINER_OF(s->tasks.next, struct task, link);
            list_remove(&t->link);
            t->state = TASK_DONE;
            t->scheduler = NULL;
            task_forget_scopes(t, 0);
            task_release(t);
        }
        s->root->scheduler = NULL;
        task_forget_scopes(s->root, 0);
        task_release(s->root);
        if (s->generation == polyphony_generation) s->backend->ops->close(s->backend, 0);
    }
    if (s->backend) clock_free(s);
    xfree(s->blocked);
    xfree(s->scratch);
    xfree(s);
}

static size_t scheduler_size(const void *pointer)
{
    const struct scheduler *s = pointer;
    return sizeof(*s) + s->blocked_size * sizeof(*s->blocked) + s->scratch_size +
           s->live * sizeof(struct task);
}

const rb_data_type_t scheduler_type = {
    .wrap_struct_name = "Polyphony::Scheduler",
    .function = {.dmark = scheduler_mark, .dfree = scheduler_free, .dsize = scheduler_size},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY,
};

struct scheduler *scheduler_get(VALUE self)
{
    struct scheduler *s;
    TypedData_Get_Struct(self, struct scheduler, &scheduler_type, s);
    if (!s->backend) rb_raise(rb_eArgError, "uninitialized Polyphony::Scheduler");
    return s;
}

struct scheduler *scheduler_current(void)
{
    VALUE self = rb_fiber_scheduler_get();
    if (NIL_P(self) || !rb_typeddata_is_kind_of(self, &scheduler_type)) return NULL;
    struct scheduler *s = RTYPEDDATA_DATA(self);
    if (!s->backend) return NULL;
    scheduler_check(s);
    return s;
}

struct scheduler *scheduler_current_bang(void)
{
    struct scheduler *s = scheduler_current();
    if (!s) rb_raise(eFiberError, "this thread has no Polyphony::Scheduler");
    return s;
}

struct scheduler *scheduler_current_install(void)
{
    struct scheduler *s = scheduler_current();
    if (s) return s;
    rb_funcall(rb_path2class("Polyphony::Scheduler"), rb_intern("install"), 0);
    return scheduler_current_bang();
}

void scheduler_setup(struct scheduler *s, VALUE self, const char *name)
{
    if (s->backend) rb_raise(rb_eArgError, "Polyphony::Scheduler is already initialized");
    const struct backend_ops *ops = polyphony_backend_find(name);
    if (!ops) rb_raise(rb_eArgError, "unknown backend: %s (built in: libev)", name);
    struct backend *backend = ops->open();
    if (!backend) rb_sys_fail("cannot open the event loop");
    s->self = self;
    s->thread = rb_thread_current();
    s->home = rb_fiber_current();
    s->trampoline = s->on_close = s->on_fork = s->on_finish = Qnil;
    s->trace = s->on_hold = s->seed = s->sampler = Qnil;
    list_init(&s->ready);
    list_init(&s->waiting);
    list_init(&s->io_waiting);
    list_init(&s->tasks);
    s->root = task_new(s, Qnil, 0);
    list_remove(&s->root->link);
    s->root->state = TASK_LIVE;
    s->current = s->main = s->root;
    s->generation = polyphony_generation;
    s->scratch_size = 16384;
    s->scratch = xmalloc(s->scratch_size);
    s->blocked_size = 64;
    s->blocked = xcalloc(s->blocked_size, sizeof(*s->blocked));
    s->backend = backend;
    run_begins(s);
    scheduler_start_trampoline(s);
}

/* Seconds as a double, infinity for nil. Errors as Kernel#sleep raises them. */
double scheduler_seconds(VALUE duration, const char *what)
{
    if (FIXNUM_P(duration)) {
        long seconds = FIX2LONG(duration);
        if (seconds < 0) rb_raise(rb_eArgError, "%s must not be negative", what);
        return (double)seconds;
    }
    if (NIL_P(duration)) return INFINITY;
    if (!rb_obj_is_kind_of(duration, rb_cNumeric))
        rb_raise(rb_eTypeError, "can't convert %" PRIsVALUE " into %s", rb_obj_class(duration),
                 what);
    if (RB_TYPE_P(duration, T_BIGNUM) && RBIGNUM_POSITIVE_P(duration)) return INFINITY;
    double seconds = NUM2DBL(duration);
    if (isnan(seconds)) rb_raise(rb_eFloatDomainError, "%s must not be NaN", what);
    if (seconds < 0) rb_raise(rb_eArgError, "%s must not be negative", what);
    return seconds;
}

/* --- one wait --- */

static void waiter_io_fired(struct watch *watch)
{
    struct waiter *w = CONTAINER_OF(watch, struct waiter, watch);
    w->woken = 1;
    scheduler_wake(w->task->scheduler, w);
}

static void waiter_timer_fired(struct watch *watch)
{
    struct waiter *w = CONTAINER_OF(watch, struct waiter, timer);
    w->timedout = 1;
    scheduler_wake(w->task->scheduler, w);
}

void waiter_init(struct waiter *w, enum waiter_kind kind, VALUE subject)
{
    *w = (struct waiter){.kind = (unsigned char)kind, .subject = subject};
    w->fiber = Qnil;
    w->watch.on_fire = waiter_io_fired;
    w->timer.on_fire = waiter_timer_fired;
    list_init(&w->link);
}

void waiter_set_timeout(struct scheduler *s, struct waiter *w, VALUE timeout)
{
    double seconds = scheduler_seconds(timeout, "time interval");
    if (isinf(seconds)) return;
    w->deadline = scheduler_time(s) + seconds;
    scheduler_timer_start(s, &w->timer, seconds);
}

void waiter_watch(struct scheduler *s, struct waiter *w, int fd, int events)
{
    s->backend->ops->io_start(s->backend, &w->watch, fd, events);
}

static void waiter_finish(struct scheduler *s, struct waiter *w)
{
    if (w->timer.active) scheduler_timer_stop(s, &w->timer);
    if (w->watch.active && !w->keep_watch) s->backend->ops->io_stop(s->backend, &w->watch);
    w->watch.wanted = 0;
    if (w->hashed) blocked_remove(s, w);
    if (s->spawner == w) s->spawner = w->outer_spawner;
    if (waiter_linked(w)) list_remove(&w->link);
    w->task->waiter = w->outer;
    s->current = w->task;
}

void scheduler_wake(struct scheduler *s, struct waiter *w)
{
    if (w->state != WAITER_WAITING) return;
    list_remove(&w->link);
    w->state = WAITER_READY;
    list_append(&s->ready, &w->link);
    if (s->polling) s->backend->ops->wakeup(s->backend);
}

void scheduler_wake_first(struct scheduler *s, struct waiter *w)
{
    if (w->state == WAITER_RUNNING) return;
    list_remove(&w->link);
    w->state = WAITER_READY;
    list_prepend(&s->ready, &w->link);
    if (s->polling) s->backend->ops->wakeup(s->backend);
}

static void link_waiting(struct scheduler *s, struct waiter *w)
{
    w->state = WAITER_WAITING;
    if (w->kind == WAITER_IO) {
        list_append(&s->io_waiting, &w->link);
        s->unscanned++;
    } else {
        list_append(&s->waiting, &w->link);
    }
}

int error_is_exception(VALUE error)
{
    if (RB_SPECIAL_CONST_P(error) || RB_BUILTIN_TYPE(error) == T_IMEMO) return 0;
    return RTEST(rb_obj_is_kind_of(error, rb_eException));
}

/* The record of main is kept for as long as it is main: it may end before. */
void scheduler_set_main(struct scheduler *s, struct task *t)
{
    struct task *old = s->main;
    if (t != s->root) t->refs++;
    s->main = t;
    if (old != s->root) task_release(old);
}

struct scheduler *hook_enter(VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    scheduler_check(s);
    if (RB_UNLIKELY(s->thread != rb_thread_current()))
        rb_raise(eFiberError, "this scheduler belongs to another thread");
    return s;
}

/* An exception came while other fibers ran or the loop polled. Returns true when it was meant for
   somebody else and has been passed on. Thread#kill (no exception object) unwinds where it is. */
static int forward_interrupt(struct scheduler *s, struct waiter *w)
{
    VALUE error = rb_errinfo();
    int was_checking = s->checking;
    s->checking = 0;
    if (!error_is_exception(error) || w->task == s->main) return 0;
    if (!was_checking && !rb_obj_is_kind_of(error, rb_eSignal)) return 0;
    if (s->main->state == TASK_DONE) return 0;
    rb_set_errinfo(Qnil);
    task_interrupt(s->main, error);
    return 1;
}

/* Ruby's own Fiber#raise transfers into the wait of its target and forgets its caller, which runs
   nowhere and is queued nowhere: let it go on, as after a raise in a fiber that was resumed. */
static void requeue_raiser(struct scheduler *s, struct task *t)
{
    if (t->state == TASK_DONE || t->waiter || waiter_linked(&t->start)) return;
    waiter_init(&t->start, WAITER_SNOOZE, Qnil);
    t->start.task = t;
    t->start.fiber = t == s->root ? s->home : t->fiber;
    t->start.state = WAITER_READY;
    list_append(&s->ready, &t->start.link);
}

static void raise_gone(struct waiter *w)
{
    if (io_is_closed(w->subject, w->watch.fd))
        rb_raise(rb_eIOError, "stream closed in another thread");
    rb_syserr_fail(EBADF, NULL);
}

/*
 * Suspends the running fiber until its waiter is woken, timed out or interrupted. The caller has
 * initialised the waiter and armed its watch and timer; on return, however it comes, both are
 * stopped and the waiter is linked nowhere.
 */
void scheduler_suspend(struct scheduler *s, struct waiter *w)
{
    struct task *t = s->current;
    int state = 0;
    w->task = t;
    w->fiber = rb_fiber_current();
    w->outer = t->waiter;
    if (RB_UNLIKELY(s->closed || s->observing || w->fiber == s->trampoline ||
                    task_has_pending(t, w->fiber) || s->thread != rb_thread_current())) {
        waiter_finish(s, w);
        if (s->closed) rb_raise(eFiberError, "the scheduler of this thread is closed");
        if (w->fiber == s->trampoline) rb_raise(eFiberError, "nothing can wait here");
        if (s->thread != rb_thread_current())
            rb_raise(eFiberError, "this scheduler belongs to another thread");
        if (s->observing) rb_raise(eFiberError, "a tracer, or a watcher of holds, cannot wait");
        task_raise_pending(t);
        return;
    }
    run_ends(s);
    if (traced(s)) trace_event(s, t, "wait", waiter_describe(w));
    t->waiter = w;
    if (t->state == TASK_STARTING && !w->after) t->state = TASK_LIVE;
    if (w->after)
        list_insert(w->after->next, &w->link);
    else if (w->state == WAITER_READY)
        list_append(&s->ready, &w->link);
    else
        link_waiting(s, w);

    for (;;) {
        rb_protect(scheduler_run_until_running, (VALUE)w, &state);
        struct task *from = s->current;
        s->current = t;
        if (state && from != t) requeue_raiser(s, from);
        if (state) {
            if (!forward_interrupt(s, w)) break;
            state = 0;
            if (w->state != WAITER_RUNNING) continue;
        }
        /* Cut by what was withdrawn meanwhile (a scope that was extended): wait on. */
        if (w->cut && !w->woken && !w->timedout && !task_has_pending(t, w->fiber)) {
            w->cut = 0;
            link_waiting(s, w);
            continue;
        }
        break;
    }
    waiter_finish(s, w);
    if (state) rb_jump_tag(state);
    if (traced(s)) trace_event(s, t, "run", Qnil);
    if (w->error) rb_exc_raise(w->error);
    if (w->watch.revents & BACKEND_GONE) raise_gone(w);
    if (w->cut && !w->woken && !w->timedout) task_raise_pending(t);
}

void scheduler_snooze(struct scheduler *s)
{
    struct waiter w;
    waiter_init(&w, WAITER_SNOOZE, Qnil);
    w.state = WAITER_READY;
    w.woken = 1;
    scheduler_suspend(s, &w);
}
