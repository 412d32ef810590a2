#include "scheduler.h"

/* What a native fiber runs from its start to its end: a block of Fiber.schedule, or layer 2's
   Lifecycle#run. */

static void deliver_plain_error(struct scheduler *s, struct task *t, VALUE error)
{
    if (NIL_P(error) || RTEST(rb_obj_is_kind_of(error, eStop))) return;
    if (t->state == TASK_STARTING && s->spawner && s->spawner->subject == t->fiber)
        s->spawner->error = error; /* it never waited: raise out of Fiber.schedule */
    else
        task_interrupt(s->main, error);
}

struct finish {
    struct scheduler *s;
    VALUE handle, error;
};

static VALUE plain_call(VALUE proc)
{
    return rb_proc_call_with_block(proc, 0, NULL, Qnil);
}

static VALUE plain_finish(VALUE pointer)
{
    struct finish *f = (struct finish *)pointer;
    return rb_funcall(f->s->on_finish, rb_intern("call"), 2, f->handle, f->error);
}

/* What rb_protect reports of an exception. */
#define TAG_RAISE 6

static VALUE take_error(int state)
{
    if (!state) return Qnil;
    VALUE error = rb_errinfo();
    rb_set_errinfo(Qnil);
    return error;
}

struct body {
    struct scheduler *s;
    struct task *t;
    VALUE callee;  /* Proc, or Lifecycle */
    int completed; /* all errors are caught: only Thread#kill (or Fiber#kill) leaves this 0 */
};

static VALUE body_leave(VALUE pointer)
{
    struct body *body = (struct body *)pointer;
    scheduler_check(body->s); /* a forked child may end here */
    task_leave(body->s, body->t, !body->completed);
    return Qnil;
}

/* In a forked child the fiber that forked is all there is: the process ends with it, and with its
   error, as after a `fork` with a block. */
static int ends_process(struct scheduler *s, struct task *t)
{
    return s->forked && t == s->main && t != s->root;
}

static VALUE plain_run(VALUE pointer)
{
    struct body *body = (struct body *)pointer;
    struct scheduler *s = body->s;
    int state = 0;
    if (traced(s)) trace_event(s, body->t, "run", Qnil);
    rb_protect(plain_call, body->callee, &state);
    if (state && !error_is_exception(rb_errinfo())) rb_jump_tag(state);
    scheduler_check(s);
    if (ends_process(s, body->t)) ruby_stop(state);
    VALUE error = take_error(state);
    /* It spun children or received messages: layer 2 ends those first. */
    if (!NIL_P(body->t->handle) && !NIL_P(s->on_finish)) {
        struct finish finish = {s, body->t->handle, error};
        error = rb_protect(plain_finish, (VALUE)&finish, &state);
        if (state) error = take_error(state);
    }
    deliver_plain_error(s, body->t, error);
    body->completed = 1;
    return Qnil;
}

static VALUE plain_body(RB_BLOCK_CALL_FUNC_ARGLIST(first, proc))
{
    struct scheduler *s = scheduler_current_bang();
    struct body body = {s, s->current, proc, 0};
    (void)first, (void)argc, (void)argv, (void)blockarg;
    return rb_ensure(plain_run, (VALUE)&body, body_leave, (VALUE)&body);
}

static VALUE spawned_run(VALUE pointer)
{
    struct body *body = (struct body *)pointer;
    if (traced(body->s)) trace_event(body->s, body->t, "run", Qnil);
    rb_funcallv(body->callee, rb_intern("run"), 0, NULL);
    scheduler_check(body->s);
    if (ends_process(body->s, body->t)) {
        VALUE error = rb_funcallv(body->callee, rb_intern("error"), 0, NULL);
        rb_set_errinfo(error);
        ruby_stop(NIL_P(error) ? 0 : TAG_RAISE);
    }
    body->completed = 1;
    return Qnil;
}

/* All that a native fiber given to #spawn does: calls +life+.run, which raises nothing. */
static VALUE scheduler_s_body(VALUE class, VALUE life)
{
    struct scheduler *s = scheduler_current_bang();
    struct body body = {s, s->current, life, 0};
    (void)class;
    if (body.t->fiber != rb_fiber_current()) rb_raise(eFiberError, "not a spawned fiber");
    body.t->stack = __builtin_frame_address(0);
    return rb_ensure(spawned_run, (VALUE)&body, body_leave, (VALUE)&body);
}

/*
 *  call-seq: fiber(**options) { … } -> Fiber
 *
 *  The hook of Fiber.schedule: runs the block in a new non-blocking fiber at once, until it waits.
 *  An error before its first wait is raised here, a later one in the thread's main fiber.
 */
static VALUE scheduler_m_fiber(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    scheduler_check(s);
    if (s->closed) rb_raise(eFiberError, "the scheduler of this thread is closed");
    VALUE proc = rb_block_proc();
    VALUE fiber = rb_block_call_kw(cFiber, rb_intern("new"), argc, argv, plain_body, proc,
                                   rb_keyword_given_p() ? RB_PASS_KEYWORDS : RB_NO_KEYWORDS);
    struct task *t = task_new(s, fiber, 1);
    struct waiter w;
    waiter_init(&w, WAITER_SNOOZE, fiber);
    w.state = WAITER_READY;
    w.woken = 1;
    w.after = &t->start.link;
    w.outer_spawner = s->spawner;
    s->spawner = &w;
    task_spawn(s, t, 1);
    scheduler_suspend(s, &w);
    return fiber;
}

void Init_polyphony_fibers(VALUE scheduler)
{
    rb_define_method(scheduler, "fiber", scheduler_m_fiber, -1);
    rb_define_singleton_method(scheduler, "body", scheduler_s_body, 1);
}
