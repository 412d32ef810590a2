#include "scheduler.h"
#include <math.h>

/*
 * Time limits on a block. A limit that runs out marks its task as interrupted and cuts its current
 * wait; the exception is made and raised where the fiber wakes. It is raised once: an `ensure` in
 * the block may wait again.
 */

static VALUE eExpired;

static void scope_fired(struct watch *watch)
{
    struct scope *scope = CONTAINER_OF(watch, struct scope, timer);
    if (scope->fired) return;
    scope->fired = 1;
    scope->task->interrupts++;
    task_cut(scope->task);
}

static void scope_withdraw(struct scope *scope)
{
    if (scope->fired && !scope->raised) scope->task->interrupts--;
    scope->fired = scope->raised = 0;
}

void scope_set(struct scope *scope, double seconds)
{
    struct scheduler *s = scope->task->scheduler;
    if (scope->timer.active) scheduler_timer_stop(s, &scope->timer);
    scope_withdraw(scope);
    scope->deadline = 0;
    if (isinf(seconds)) return;
    scope->deadline = scheduler_time(s) + seconds;
    if (seconds <= 0)
        scope_fired(&scope->timer); /* over at once: not only when the loop looks at the clock */
    else
        scheduler_timer_start(s, &scope->timer, seconds);
}

void scope_enter(struct scheduler *s, struct scope *scope, double seconds)
{
    scope->task = s->current;
    scope->fiber = rb_fiber_current();
    scope->shield = s->current->shield;
    scope->nested = !NIL_P(scope->task->fiber) && scope->task->fiber != scope->fiber;
    scope->timer.on_fire = scope_fired;
    scope->outer = scope->task->scopes;
    scope->task->scopes = scope;
    scope->active = 1;
    scope_set(scope, seconds);
}

void scope_leave(struct scope *scope)
{
    struct task *t = scope->task;
    if (!scope->active) return; /* its task is over */
    struct scope **link = &t->scopes;
    if (scope->timer.active) scheduler_timer_stop(t->scheduler, &scope->timer);
    while (*link && *link != scope) link = &(*link)->outer;
    if (*link) *link = scope->outer;
    if (scope->fired && !scope->raised) t->interrupts--;
    scope->active = 0;
}

/* The task ends, with time limits that nested fibers never left. */
void task_forget_scopes(struct task *t, int stop_timers)
{
    for (struct scope *scope = t->scopes; scope; scope = scope->outer) {
        if (stop_timers && scope->timer.active) scheduler_timer_stop(t->scheduler, &scope->timer);
        scope->active = scope->timer.active = 0;
    }
    t->scopes = NULL;
}

void scope_mark(const struct scope *scope)
{
    rb_gc_mark(scope->fiber);
    if (scope->owner) rb_gc_mark(scope->owner);
    if (scope->error_class) rb_gc_mark(scope->error_class);
    if (scope->error_args) rb_gc_mark(scope->error_args);
}

/* Whether the limit, once run out, is to be raised in `fiber` of the task. */
static int scope_can_cut(const struct scope *scope, const struct task *t, VALUE fiber)
{
    return !scope->raised && scope->shield >= t->shield &&
           (!scope->nested || scope->fiber == fiber);
}

struct scope *task_fired_scope(const struct task *t, VALUE fiber)
{
    struct scope *found = NULL;
    for (struct scope *scope = t->scopes; scope; scope = scope->outer)
        if (scope->fired && scope_can_cut(scope, t, fiber)) found = scope;
    return found;
}

/* When the nearest limit that can still cut the task runs out; 0: there is none. */
double task_nearest_deadline(const struct task *t)
{
    VALUE fiber = t->waiter                             ? t->waiter->fiber
                  : t->scheduler == scheduler_current() ? rb_fiber_current()
                                                        : t->fiber;
    double nearest = 0, now = scheduler_time(t->scheduler);
    for (const struct scope *scope = t->scopes; scope; scope = scope->outer) {
        double deadline = scope->deadline;
        if (!scope_can_cut(scope, t, fiber)) continue;
        if (scope->fired && (deadline == 0 || deadline > now)) deadline = now; /* cancelled */
        if (deadline > 0 && (nearest == 0 || deadline < nearest)) nearest = deadline;
    }
    return nearest;
}

static VALUE timeout_make_error(const struct scope *scope)
{
    return rb_class_new_instance((int)RARRAY_LEN(scope->error_args),
                                 RARRAY_CONST_PTR(scope->error_args), scope->error_class);
}

VALUE scope_error(struct scope *scope)
{
    if (scope->owner) {
        VALUE error = rb_class_new_instance(1, &scope->owner, eExpired);
        rb_iv_set(error, "@scope", scope->owner);
        return error;
    }
    if (rb_obj_is_kind_of(scope->error_class, rb_eException)) return scope->error_class;
    return timeout_make_error(scope);
}

/* --- Timeout.timeout --- */

struct timeout {
    struct scope scope;
    VALUE duration;
    VALUE before; /* what was being rescued around it */
};

static VALUE timeout_body(VALUE pointer)
{
    return rb_yield(((struct timeout *)pointer)->duration);
}

static VALUE timeout_ensure(VALUE pointer)
{
    scope_leave(&((struct timeout *)pointer)->scope);
    return Qnil;
}

static VALUE timeout_run(VALUE pointer)
{
    return rb_ensure(timeout_body, pointer, timeout_ensure, pointer);
}

/* What was raised on the way and must not be lost by this error taking its place (a stop, as a
   rule): Expired#displaced knows. */
static VALUE timeout_expired(VALUE pointer, VALUE error)
{
    const struct timeout *timeout = (const struct timeout *)pointer;
    if (rb_iv_get(error, "@scope") != timeout->scope.owner) rb_exc_raise(error);
    if (rb_respond_to(error, rb_intern("displaced"))) {
        VALUE displaced = rb_funcall(error, rb_intern("displaced"), 1, timeout->before);
        if (!NIL_P(displaced)) rb_exc_raise(displaced);
    }
    rb_exc_raise(timeout_make_error(&timeout->scope));
}

/* Timeout passes its own error class when the caller named none. */
static int is_timeout_error(VALUE class)
{
    ID name = rb_intern("Timeout");
    if (!rb_const_defined(rb_cObject, name)) return 0;
    return class == rb_const_get(rb_const_get(rb_cObject, name), rb_intern("Error"));
}

/*
 *  call-seq: timeout_after(duration, exception_class, *arguments) { |duration| … } -> object
 *
 *  The hook of Timeout.timeout: raises +exception_class+ in the block's wait, or at its next one,
 *  when +duration+ seconds have passed. A block that never waits is not interrupted. As in stock
 *  Ruby, a Timeout::Error that nobody asked for by name cannot be rescued inside the block.
 */
VALUE hook_timeout_after(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = hook_enter(self);
    VALUE duration, class, arguments, result;
    rb_scan_args(argc, argv, "11*", &duration, &class, &arguments);
    double seconds = scheduler_seconds(duration, "time interval");
    if (isinf(seconds) || seconds == 0) return rb_yield(duration);
    struct timeout timeout = {.duration = duration, .before = rb_errinfo()};
    timeout.scope.error_class = NIL_P(class) ? rb_eRuntimeError : class;
    timeout.scope.error_args = arguments;
    int hidden = is_timeout_error(class);
    if (hidden) timeout.scope.owner = arguments; /* any object of this call's own */
    scope_enter(s, &timeout.scope, seconds);
    if (hidden)
        result = rb_rescue2(timeout_run, (VALUE)&timeout, timeout_expired, (VALUE)&timeout,
                            eExpired, (VALUE)0);
    else
        result = timeout_run((VALUE)&timeout);
    RB_GC_GUARD(arguments);
    return result;
}

/* --- Polyphony::CancelScope --- */

struct cancel_scope {
    struct scope scope;
    double seconds;
    unsigned char cancelled, used;
};

static void cancel_scope_mark(void *pointer)
{
    struct cancel_scope *c = pointer;
    /* While active its task lives in a scheduler that must outlive the timer. */
    if (c->scope.active) rb_gc_mark(c->scope.task->scheduler->self);
}

static const rb_data_type_t cancel_scope_type = {
    .wrap_struct_name = "Polyphony::CancelScope",
    .function = {.dmark = cancel_scope_mark, .dfree = RUBY_DEFAULT_FREE},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY,
};

static VALUE cancel_scope_alloc(VALUE class)
{
    struct cancel_scope *c;
    return TypedData_Make_Struct(class, struct cancel_scope, &cancel_scope_type, c);
}

static struct cancel_scope *cancel_scope_get(VALUE self)
{
    struct cancel_scope *c;
    TypedData_Get_Struct(self, struct cancel_scope, &cancel_scope_type, c);
    return c;
}

static VALUE cancel_scope_body(VALUE self)
{
    return rb_yield(self);
}

static VALUE cancel_scope_ensure(VALUE self)
{
    scope_leave(&cancel_scope_get(self)->scope);
    return Qnil;
}

/*
 *  call-seq: scope.run(seconds = nil) { |scope| … } -> object
 *
 *  Runs the block with a limit of +seconds+ (nil: none, until #reset or #cancel). When the limit
 *  runs out, CancelScope::Expired carrying this scope is raised in the block's wait. A scope runs
 * once.
 */
static VALUE cancel_scope_run(int argc, VALUE *argv, VALUE self)
{
    struct cancel_scope *c = cancel_scope_get(self);
    struct scheduler *s = scheduler_current_bang();
    rb_check_arity(argc, 0, 1);
    rb_need_block();
    double seconds = scheduler_seconds(argc ? argv[0] : Qnil, "time interval");
    if (c->used) rb_raise(rb_eArgError, "a cancel scope runs once");
    c->used = 1;
    c->seconds = seconds;
    c->scope = (struct scope){.owner = self};
    scope_enter(s, &c->scope, seconds);
    if (c->cancelled) scope_fired(&c->scope.timer);
    return rb_ensure(cancel_scope_body, self, cancel_scope_ensure, self);
}

static struct cancel_scope *cancel_scope_active(VALUE self)
{
    struct cancel_scope *c = cancel_scope_get(self);
    if (!c->scope.active) rb_raise(rb_eArgError, "this cancel scope is not running");
    if (c->scope.task->scheduler != scheduler_current())
        rb_raise(eFiberError, "a cancel scope belongs to the thread that runs it");
    return c;
}

/* Starts the limit over, with +seconds+ if given. Does nothing after #cancel. */
static VALUE cancel_scope_reset(int argc, VALUE *argv, VALUE self)
{
    struct cancel_scope *c = cancel_scope_active(self);
    rb_check_arity(argc, 0, 1);
    if (argc) c->seconds = scheduler_seconds(argv[0], "time interval");
    if (!c->cancelled) scope_set(&c->scope, c->seconds);
    return self;
}

/* Moves the deadline by +seconds+. */
static VALUE cancel_scope_extend(VALUE self, VALUE by)
{
    struct cancel_scope *c = cancel_scope_active(self);
    double left =
        c->scope.deadline ? c->scope.deadline - scheduler_time(c->scope.task->scheduler) : INFINITY;
    double seconds = left + scheduler_seconds(by, "time interval");
    if (!c->cancelled) scope_set(&c->scope, seconds > 0 ? seconds : 0);
    return self;
}

/* Ends the block at its current or next wait, as if its time were up; one that has not run yet at
   its first wait. After its end: does nothing. From any thread. */
static VALUE cancel_scope_cancel(VALUE self)
{
    struct cancel_scope *c = cancel_scope_get(self);
    if (c->used && !c->scope.active) return self;
    c->cancelled = 1;
    if (c->scope.active) scope_fired(&c->scope.timer);
    return self;
}

/* @return [Boolean] whether its block is being run */
static VALUE cancel_scope_running_p(VALUE self)
{
    return cancel_scope_get(self)->scope.active ? Qtrue : Qfalse;
}

/* @return [Boolean] whether the limit ran out or #cancel was called */
static VALUE cancel_scope_cancelled_p(VALUE self)
{
    struct cancel_scope *c = cancel_scope_get(self);
    return c->scope.fired || c->cancelled ? Qtrue : Qfalse;
}

/* @return [Float, nil] seconds left; nil without a limit */
static VALUE cancel_scope_remaining(VALUE self)
{
    struct cancel_scope *c = cancel_scope_get(self);
    if (!c->scope.active || !c->scope.deadline) return Qnil;
    double left = c->scope.deadline - scheduler_time(c->scope.task->scheduler);
    return DBL2NUM(left > 0 ? left : 0);
}

void Init_polyphony_scope(VALUE polyphony)
{
    VALUE scope = rb_define_class_under(polyphony, "CancelScope", rb_cObject);
    rb_define_alloc_func(scope, cancel_scope_alloc);
    eExpired = rb_define_class_under(scope, "Expired", rb_eException);
    rb_gc_register_mark_object(eExpired);
    rb_define_method(scope, "run", cancel_scope_run, -1);
    rb_define_method(scope, "reset", cancel_scope_reset, -1);
    rb_define_method(scope, "extend", cancel_scope_extend, 1);
    rb_define_method(scope, "cancel", cancel_scope_cancel, 0);
    rb_define_method(scope, "cancelled?", cancel_scope_cancelled_p, 0);
    rb_define_method(scope, "running?", cancel_scope_running_p, 0);
    rb_define_method(scope, "remaining", cancel_scope_remaining, 0);
}
