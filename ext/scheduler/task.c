#include "scheduler.h"
#include <sys/mman.h>
#include <unistd.h>

/* One logical fiber, and Polyphony::Scheduler::Task, the handle that layer 2 holds of it. */

static VALUE cTask;

/* --- the record --- */

struct task *task_new(struct scheduler *s, VALUE fiber, int plain)
{
    struct task *t = xcalloc(1, sizeof(*t));
    t->scheduler = s;
    t->fiber = fiber;
    t->handle = t->pending = Qnil;
    t->plain = (unsigned char)plain;
    t->refs = 1;
    waiter_init(&t->start, WAITER_START, Qnil);
    t->start.task = t;
    t->start.fiber = fiber;
    list_append(&s->tasks, &t->link);
    return t;
}

void task_release(struct task *t)
{
    if (--t->refs == 0) xfree(t);
}

void task_mark(const struct task *t, int with_scopes)
{
    rb_gc_mark(t->fiber);
    rb_gc_mark(t->handle);
    rb_gc_mark(t->pending);
    if (t->wrapper) rb_gc_mark(t->wrapper);
    for (const struct scope *scope = t->scopes; scope && with_scopes; scope = scope->outer)
        scope_mark(scope);
}

/* Queues a fiber that has not run yet. */
void task_spawn(struct scheduler *s, struct task *t, int first)
{
    t->start.state = WAITER_READY;
    if (first)
        list_prepend(&s->ready, &t->start.link);
    else
        list_append(&s->ready, &t->start.link);
    s->live++;
    s->spawned++;
    if (s->polling) s->backend->ops->wakeup(s->backend);
    if (traced(s)) trace_event(s, t, "spin", Qnil);
}

/* A fiber that closes its own scheduler (at the end of a forked child) is itself still live. */
static unsigned closer_counts(const struct scheduler *s)
{
    return s->closer->task == s->root ? 0 : 1;
}

static void task_done(struct scheduler *s, struct task *t)
{
    if (t->state == TASK_DONE) return;
    t->state = TASK_DONE;
    t->waiter = NULL;
    if (t->stacked) polyphony_stacks--;
    task_forget_scopes(t, 1);
    if (s->last_started == t) s->last_started = NULL;
    if (waiter_linked(&t->start)) list_remove(&t->start.link);
    list_remove(&t->link);
    s->live--;
    if (s->closer && s->live <= closer_counts(s)) {
        s->closer->woken = 1;
        scheduler_wake(s, s->closer);
    }
}

/*
 * The last thing a fiber does. Ruby frees a finished fiber's stack at once only when it returns
 * to the fiber whose last resume was of it; if other fibers were started since, the trampoline is
 * asked to resume this one once more, so that its stack does not wait for the garbage collector.
 *
 * A fiber that Thread#kill unwinds (`killed`) must not end in the trampoline, where the kill would
 * go on: once transferred to it ends in the root fiber, and with that the thread.
 */
void task_leave(struct scheduler *s, struct task *t, int killed)
{
    if (!killed) {
        run_ends(s);
        if (traced(s)) trace_event(s, t, "end", Qnil);
    }
    int again = s->last_started != t;
    task_done(s, t);
    if (killed) {
        s->killed = t;
        rb_fiber_yield(0, NULL);
    } else if (again) {
        s->finishing = t;
        rb_fiber_yield(0, NULL);
    }
    t->fiber = t->pending = Qnil;
    task_release(t);
}

/* --- interruptions --- */

/* Ends the current wait of the task, if it has one that is still waiting: a completed operation
   keeps its value and the interruption stays pending for the next wait. */
void task_cut(struct task *t)
{
    struct waiter *w = t->waiter;
    if (!w || w->state != WAITER_WAITING || !task_has_pending(t, w->fiber)) return;
    w->cut = 1;
    if (t == t->scheduler->main)
        scheduler_wake_first(t->scheduler, w);
    else
        scheduler_wake(t->scheduler, w);
}

void task_interrupt(struct task *t, VALUE error)
{
    if (t->state == TASK_DONE) {
        if (!t->scheduler || t != t->scheduler->main) return;
        t = t->scheduler->root;
    }
    if (NIL_P(t->pending)) t->pending = rb_ary_new();
    rb_ary_push(t->pending, error);
    t->interrupts++;
    task_cut(t);
}

static int has_sent(const struct task *t)
{
    return !t->shield && !NIL_P(t->pending) && RARRAY_LEN(t->pending);
}

int task_is_due(const struct task *t, VALUE fiber)
{
    return has_sent(t) || task_fired_scope(t, fiber);
}

/* Raises what is pending: exceptions in the order they were sent, then the outermost time limit
   that ran out. A shield holds back what came from outside of it. */
void task_raise_pending(struct task *t)
{
    VALUE fiber = rb_fiber_current();
    if (!task_has_pending(t, fiber)) return;
    if (has_sent(t)) {
        t->interrupts--;
        rb_exc_raise(rb_ary_shift(t->pending));
    }
    struct scope *scope = task_fired_scope(t, fiber);
    t->interrupts--;
    scope->raised = 1;
    rb_exc_raise(scope_error(scope));
}

/* The native fiber could not be started: no memory for its stack, as a rule. */
void task_failed_to_start(struct scheduler *s, struct task *t, VALUE error)
{
    VALUE handle = t->handle;
    error = rb_funcall(s->self, rb_intern("start_error"), 1, error);
    int spawning = s->spawner && s->spawner->subject == t->fiber;
    task_done(s, t);
    t->fiber = Qnil;
    if (spawning)
        s->spawner->error = error;
    else if (!NIL_P(handle) && !NIL_P(s->on_finish))
        rb_funcall(s->on_finish, rb_intern("call"), 2, handle, error);
    else
        task_interrupt(s->main, error);
    task_release(t);
}

/* --- what a fiber waits for, in words --- */

static const char *const kind_names[] = {"start",           "ready", "sleep",
                                         "block",           "io",    "select",
                                         "process",         "park",  "the end of its fibers",
                                         "wait_all_blocked"};

static VALUE describe_blocker(VALUE blocker)
{
    if (NIL_P(blocker)) return rb_str_new_cstr("block");
    if (RTEST(rb_obj_is_kind_of(blocker, rb_cThread)))
        return rb_sprintf("join %" PRIsVALUE, rb_inspect(blocker));
    return rb_sprintf("%" PRIsVALUE " 0x%016" PRIxVALUE, rb_obj_class(blocker), blocker);
}

static const char *io_verb(int events)
{
    if (!(events & BACKEND_WRITABLE)) return "io_read";
    return (events & BACKEND_READABLE) ? "io_wait" : "io_write";
}

VALUE waiter_describe(const struct waiter *waiter)
{
    /* A copy: what is called here may switch threads, and the wait, with its stack, may end. */
    const struct waiter w = *waiter;
    double now = scheduler_time(w.task->scheduler);
    VALUE text;
    switch (w.kind) {
    case WAITER_IO:
        text = rb_sprintf("%s fd %d %" PRIsVALUE, io_verb(w.watch.events), w.watch.fd,
                          rb_obj_class(w.subject));
        break;
    case WAITER_BLOCK:
        text = describe_blocker(w.subject);
        break;
    case WAITER_PROCESS:
        text = rb_sprintf("process %ld", w.pid);
        break;
    case WAITER_PARK:
        text = rb_sprintf("%" PRIsVALUE, w.subject);
        break;
    default:
        text = rb_str_new_cstr(kind_names[w.kind]);
    }
    if (w.deadline > 0) {
        double left = w.deadline > now ? w.deadline - now : 0;
        rb_str_catf(text, w.kind == WAITER_SLEEP ? " %.1f s" : ", %.1f s left", left);
    }
    return text;
}

/* --- Polyphony::Scheduler::Task --- */

static void wrapper_mark(void *pointer)
{
    const struct task *t = pointer;
    if (!t) return;
    if (t->scheduler) rb_gc_mark(t->scheduler->self);
    rb_gc_mark(t->handle);
}

static void wrapper_free(void *pointer)
{
    struct task *t = pointer;
    if (!t) return;
    t->wrapper = 0;
    task_release(t);
}

static const rb_data_type_t task_type = {
    .wrap_struct_name = "Polyphony::Scheduler::Task",
    .function = {.dmark = wrapper_mark, .dfree = wrapper_free},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY,
};

VALUE task_wrapper(struct task *t)
{
    if (!t->wrapper) {
        VALUE wrapper = TypedData_Wrap_Struct(cTask, &task_type, t);
        t->wrapper = wrapper;
        t->refs++;
    }
    return t->wrapper;
}

struct task *task_get(VALUE self)
{
    struct task *t;
    TypedData_Get_Struct(self, struct task, &task_type, t);
    if (!t) rb_raise(rb_eArgError, "uninitialized Polyphony::Scheduler::Task");
    return t;
}

/* @return [Object, nil] what layer 2 attached to the task */
static VALUE task_handle(VALUE self)
{
    return task_get(self)->handle;
}

/* Attaches what layer 2 knows of the task. */
static VALUE task_set_handle(VALUE self, VALUE handle)
{
    return task_get(self)->handle = handle;
}

/* Whether there is a run to reach. In a forked child those of other threads are gone. */
static int reachable(const struct task *t)
{
    if (t->state == TASK_DONE || !t->scheduler) return 0;
    if (RB_LIKELY(t->scheduler->generation == polyphony_generation)) return 1;
    return scheduler_current() == t->scheduler && t->state != TASK_DONE;
}

/* Raises +error+ in the fiber at its current or next wait. From any thread; does not suspend. */
static VALUE task_m_interrupt(VALUE self, VALUE error)
{
    struct task *t = task_get(self);
    if (!rb_obj_is_kind_of(error, rb_eException))
        rb_raise(rb_eTypeError, "exception object expected");
    if (!reachable(t)) return Qfalse;
    task_interrupt(t, error);
    return Qtrue;
}

/* @return [Array<Exception>, nil] what was to be raised at the next wait and now is not */
static VALUE task_take_pending(VALUE self)
{
    struct task *t = task_get(self);
    VALUE pending = t->pending;
    t->pending = Qnil;
    if (!NIL_P(pending)) t->interrupts -= (unsigned)RARRAY_LEN(pending);
    return pending;
}

/* Ends the fiber's Scheduler.park, or its next one. From any thread; does not suspend. */
static VALUE task_m_wake(VALUE self)
{
    struct task *t = task_get(self);
    if (!reachable(t)) return Qfalse;
    struct waiter *w = t->waiter;
    /* A trap handler that waits lies on top of the park it interrupted. */
    while (w && w->kind != WAITER_PARK) w = w->outer;
    if (w && w->state == WAITER_WAITING) {
        w->woken = 1;
        scheduler_wake(t->scheduler, w);
    } else {
        t->wake_pending = 1;
    }
    return Qtrue;
}

static VALUE shield_body(VALUE unused)
{
    (void)unused;
    return rb_yield_values(0);
}

static VALUE shield_end(VALUE pointer)
{
    struct task *t = (struct task *)pointer;
    if (t->shield) t->shield--; /* the closing scheduler lifts all shields */
    return Qnil;
}

/* Runs the block; what would interrupt it waits until its end. */
static VALUE task_shield(VALUE self)
{
    struct task *t = task_get(self);
    t->shield++;
    return rb_ensure(shield_body, Qnil, shield_end, (VALUE)t);
}

/* @return [Symbol] :runnable, :running, :waiting or :dead */
static VALUE task_state(VALUE self)
{
    struct task *t = task_get(self);
    const char *name = "running";
    if (!reachable(t))
        name = "dead";
    else if (t->state == TASK_NEW)
        name = "runnable";
    else if (t->waiter && t->waiter->state == WAITER_WAITING)
        name = "waiting";
    else if (t->waiter && t->waiter->state == WAITER_READY)
        name = "runnable";
    return ID2SYM(rb_intern(name));
}

/* @return [String, nil] what the fiber waits for, as "io_read fd 7 TCPSocket" or "sleep 3.2 s" */
static VALUE task_waiting_on(VALUE self)
{
    struct task *t = task_get(self);
    if (!reachable(t) || !t->waiter || t->waiter->state != WAITER_WAITING) return Qnil;
    return waiter_describe(t->waiter);
}

static VALUE task_started_p(VALUE self)
{
    return task_get(self)->state == TASK_NEW ? Qfalse : Qtrue;
}

/* @return [Polyphony::Scheduler, nil] */
static VALUE task_scheduler(VALUE self)
{
    struct task *t = task_get(self);
    return t->scheduler ? t->scheduler->self : Qnil;
}

static VALUE task_pending_p(VALUE self)
{
    return task_get(self)->interrupts ? Qtrue : Qfalse;
}

/* @return [Float, nil] when the nearest time limit that can still cut what the fiber does runs out,
   in seconds of Scheduler.now; nil without one */
static VALUE task_deadline(VALUE self)
{
    struct task *t = task_get(self);
    double nearest = reachable(t) ? task_nearest_deadline(t) : 0;
    return nearest > 0 ? DBL2NUM(nearest) : Qnil;
}

/* @return [Fiber, nil] the native fiber that waits: the task's own, one nested in it, or the root
 */
static VALUE task_waiting_fiber(VALUE self)
{
    struct task *t = task_get(self);
    if (!reachable(t) || !t->waiter || t->waiter->state != WAITER_WAITING) return Qnil;
    return t->waiter->fiber;
}

/* @return [Fiber, nil] the native fiber; nil for a root, and after the end */
static VALUE task_fiber(VALUE self)
{
    return task_get(self)->fiber;
}

/* @return [Thread, nil] */
static VALUE task_thread(VALUE self)
{
    struct task *t = task_get(self);
    return t->scheduler ? t->scheduler->thread : Qnil;
}

/* What frames of Ruby take of the stack below the waiter of a suspended fiber, amply. */
#define BELOW_WAITER 4096
/* How far a waiter may be from the place that we know, and that from the stack's beginning. */
#define STACK_NEAR 65536

/* As it is for all fibers; Ruby's settings cannot be changed later. */
static size_t stack_size(void)
{
    static size_t size;
    if (size) return size;
    VALUE parameters = rb_const_get(rb_path2class("RubyVM"), rb_intern("DEFAULT_PARAMS"));
    VALUE bytes = rb_hash_aref(parameters, ID2SYM(rb_intern("fiber_machine_stack_size")));
    return size = FIXNUM_P(bytes) ? FIX2ULONG(bytes) : STACK_NEAR;
}

/*
 *  call-seq: trim_stack -> true or false
 *
 *  Gives the system back the memory of a stack that was needed once and is not now: for a fiber
 *  that may wait for long. When it goes on, what it needs comes back by page faults. False when
 *  the fiber does not wait for an IO, or waits deep in its stack.
 */
static VALUE task_trim_stack(VALUE self)
{
    struct task *t = task_get(self);
    struct waiter *w = t->waiter;
    if (!t->stack || !w || w->kind != WAITER_IO || w->fiber != t->fiber) return Qfalse;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)t->stack;
    uintptr_t at = (uintptr_t)w, end = from - stack_size() + STACK_NEAR;
    if (at > from || from - at > STACK_NEAR || stack_size() < 4 * STACK_NEAR) return Qfalse;
    at = (at - BELOW_WAITER) & ~(page - 1);
    end = (end + page - 1) & ~(page - 1);
    return madvise((void *)end, at - end, MADV_DONTNEED) == 0 ? Qtrue : Qfalse;
}

void Init_polyphony_task(VALUE scheduler)
{
    cTask = rb_define_class_under(scheduler, "Task", rb_cObject);
    rb_undef_alloc_func(cTask);
    rb_gc_register_mark_object(cTask);
    rb_define_method(cTask, "handle", task_handle, 0);
    rb_define_method(cTask, "handle=", task_set_handle, 1);
    rb_define_method(cTask, "interrupt", task_m_interrupt, 1);
    rb_define_method(cTask, "take_pending", task_take_pending, 0);
    rb_define_method(cTask, "wake", task_m_wake, 0);
    rb_define_method(cTask, "trim_stack", task_trim_stack, 0);
    rb_define_method(cTask, "shield", task_shield, 0);
    rb_define_method(cTask, "state", task_state, 0);
    rb_define_method(cTask, "waiting_on", task_waiting_on, 0);
    rb_define_method(cTask, "started?", task_started_p, 0);
    rb_define_method(cTask, "interrupted?", task_pending_p, 0);
    rb_define_method(cTask, "scheduler", task_scheduler, 0);
    rb_define_method(cTask, "thread", task_thread, 0);
    rb_define_method(cTask, "fiber", task_fiber, 0);
    rb_define_method(cTask, "deadline", task_deadline, 0);
    rb_define_method(cTask, "waiting_fiber", task_waiting_fiber, 0);
}
