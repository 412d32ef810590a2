#include "scheduler.h"

/* Polyphony::Scheduler: its life, and what layer 2 builds on. The hooks are in hooks*.c. */

static VALUE scheduler_alloc(VALUE class)
{
    struct scheduler *s;
    return TypedData_Make_Struct(class, struct scheduler, &scheduler_type, s);
}

/* Opens the event loop; the Ruby side of #initialize has checked the arguments. */
static VALUE scheduler_m_setup(VALUE self, VALUE backend)
{
    struct scheduler *s;
    TypedData_Get_Struct(self, struct scheduler, &scheduler_type, s);
    scheduler_setup(s, self, NIL_P(backend) ? NULL : StringValueCStr(backend));
    return self;
}

/* --- the loop, from the root fiber --- */

struct close_wait {
    struct scheduler *s;
    struct waiter w;
};

static VALUE close_wait_body(VALUE pointer)
{
    struct close_wait *wait = (struct close_wait *)pointer;
    scheduler_suspend(wait->s, &wait->w);
    return Qnil;
}

static VALUE close_wait_end(VALUE pointer)
{
    ((struct close_wait *)pointer)->s->closer = NULL;
    return Qnil;
}

/*
 *  call-seq: run -> nil
 *
 *  Runs fibers until none is left. Suspends; raises what fibers failed with.
 */
static VALUE scheduler_m_run(VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    scheduler_check(s);
    if (s->closer) rb_raise(eFiberError, "this scheduler is already waited for");
    unsigned own = s->current == s->root ? 0 : 1;
    while (s->live > own || task_has_pending(s->current, rb_fiber_current())) {
        struct close_wait wait = {.s = s};
        waiter_init(&wait.w, WAITER_CLOSE, Qnil);
        s->closer = &wait.w;
        rb_ensure(close_wait_body, (VALUE)&wait, close_wait_end, (VALUE)&wait);
    }
    return Qnil;
}

/* Raises +error+ in every fiber but the current one. */
static VALUE scheduler_m_interrupt_all(VALUE self, VALUE error)
{
    struct scheduler *s = scheduler_get(self);
    for (struct list *node = s->tasks.next; node != &s->tasks; node = node->next) {
        struct task *t = CONTAINER_OF(node, struct task, link);
        if (t == s->current) continue;
        t->shield = 0;
        task_interrupt(t, error);
    }
    return Qnil;
}

/* Gives the event loop back. No fiber of this scheduler can wait afterwards. */
static VALUE scheduler_m_destroy(VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    if (s->closed) return Qnil;
    s->closed = 1;
    s->backend->ops->close(s->backend, 1);
    s->backend = polyphony_backend_closed();
    clock_free(s);
    for (struct list *node = s->tasks.next; node != &s->tasks; node = node->next)
        CONTAINER_OF(node, struct task, link)->state = TASK_DONE;
    return Qnil;
}

/* One that was never opened (its arguments were wrong) is there for ObjectSpace, too. */
static VALUE scheduler_m_closed_p(VALUE self)
{
    struct scheduler *s;
    TypedData_Get_Struct(self, struct scheduler, &scheduler_type, s);
    return !s->backend || s->closed ? Qtrue : Qfalse;
}

/* @return [Integer] fibers that were started and have not ended, without the root */
static VALUE scheduler_m_live(VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    scheduler_check(s);
    return UINT2NUM(s->live);
}

/* --- what layer 2 builds on --- */

/* The scheduler of the running thread if it is one of ours. */
static VALUE scheduler_s_current(VALUE class)
{
    struct scheduler *s = scheduler_current();
    (void)class;
    return s ? s->self : Qnil;
}

/* The handle of the running task, or nil when it has none or there is no scheduler. */
static VALUE scheduler_s_handle(VALUE class)
{
    struct scheduler *s = scheduler_current();
    (void)class;
    return s ? s->current->handle : Qnil;
}

/* The Task that is running on this thread. */
static VALUE scheduler_s_task(VALUE class)
{
    (void)class;
    return task_wrapper(scheduler_current_bang()->current);
}

/*
 *  call-seq: Scheduler.park(reason, timeout = nil) -> true or false
 *
 *  Suspends the running task until Task#wake (true) or until +timeout+ seconds have passed (false).
 *  May return early: ask the condition again.
 */
static VALUE scheduler_s_park(int argc, VALUE *argv, VALUE class)
{
    struct scheduler *s = scheduler_current_bang();
    struct waiter w;
    (void)class;
    rb_check_arity(argc, 1, 2);
    waiter_init(&w, WAITER_PARK, argv[0]);
    if (s->current->wake_pending) {
        s->current->wake_pending = 0;
        if (!task_has_pending(s->current, rb_fiber_current())) return Qtrue;
    }
    if (argc > 1) waiter_set_timeout(s, &w, argv[1]);
    scheduler_suspend(s, &w);
    s->current->wake_pending = 0;
    return w.woken ? Qtrue : Qfalse;
}

/* Where a fiber that has nothing to wait for can be interrupted all the same; lets others run when
   it has been long since the last look at the operating system. */
static VALUE scheduler_s_checkpoint(VALUE class)
{
    struct scheduler *s = scheduler_current_bang();
    (void)class;
    task_raise_pending(s->current);
    if (++s->since_poll >= SWITCHES_PER_POLL ||
        (RB_UNLIKELY(s->shuffled) && order_random(s) % 4 == 0))
        scheduler_snooze(s);
    return Qnil;
}

/* Lets every other runnable fiber run once. Suspends. */
static VALUE scheduler_s_snooze(VALUE class)
{
    (void)class;
    scheduler_snooze(scheduler_current_bang());
    return Qnil;
}

/* Queues a native fiber that has not run and whose block is Scheduler.body. */
static VALUE scheduler_m_spawn(VALUE self, VALUE fiber, VALUE handle)
{
    struct scheduler *s = scheduler_get(self);
    scheduler_check(s);
    if (s->closed) rb_raise(eFiberError, "the scheduler of this thread is closed");
    if (!rb_obj_is_kind_of(fiber, cFiber)) rb_raise(rb_eTypeError, "Fiber expected");
    struct task *t = task_new(s, fiber, 0);
    t->handle = handle;
    VALUE wrapper = task_wrapper(t);
    task_spawn(s, t, 0);
    return wrapper;
}

/* Ends the process as a script that ran to its end: with status 0 and no error for the at_exit
   handlers that are left. An adopted script ends inside of `require`, hence by SystemExit, which
   they would otherwise see in $!. */
static VALUE scheduler_s_end_program(VALUE class)
{
    (void)class;
    rb_set_errinfo(Qnil);
    ruby_stop(0);
    return Qnil;
}

/* Who gets signals, uncaught errors of plain fibers and Deadlock: a Task, or nil for the root. */
static VALUE scheduler_m_set_main(VALUE self, VALUE task)
{
    struct scheduler *s = scheduler_get(self);
    struct task *t = NIL_P(task) ? s->root : task_get(task);
    if (t->scheduler != s) rb_raise(rb_eArgError, "a task of another scheduler");
    scheduler_set_main(s, t);
    return task;
}

/* @return [Scheduler::Task] who gets signals, uncaught errors of plain fibers and Deadlock */
static VALUE scheduler_m_main(VALUE self)
{
    return task_wrapper(scheduler_get(self)->main);
}

/* @return [Scheduler::Task] the thread's root fiber */
static VALUE scheduler_m_root(VALUE self)
{
    return task_wrapper(scheduler_get(self)->root);
}

/* @return [Array<Scheduler::Task>] all that are live, oldest first, without the root */
static VALUE scheduler_m_tasks(VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    VALUE tasks = rb_ary_new();
    for (struct list *node = s->tasks.next; node != &s->tasks; node = node->next)
        rb_ary_push(tasks, task_wrapper(CONTAINER_OF(node, struct task, link)));
    return tasks;
}

/* Sets what is called, without arguments, before the scheduler waits for its fibers to end. */
static VALUE scheduler_m_on_close(VALUE self, VALUE proc)
{
    return scheduler_get(self)->on_close = proc;
}

static VALUE scheduler_m_on_close_proc(VALUE self)
{
    return scheduler_get(self)->on_close;
}

/* Sets what is called in a forked child, with the handle of the fiber that forked. */
static VALUE scheduler_m_on_fork(VALUE self, VALUE proc)
{
    return scheduler_get(self)->on_fork = proc;
}

/* Sets what is called with handle and error when a plain fiber with a handle ends, or when a
   spawned one could not be started. Returns the error that is left to report, or nil. */
static VALUE scheduler_m_on_finish(VALUE self, VALUE proc)
{
    return scheduler_get(self)->on_finish = proc;
}

/* Counts an operation that will wake a fiber from outside the loop (a helper thread at work). */
static VALUE scheduler_m_external(VALUE self, VALUE by)
{
    struct scheduler *s = scheduler_get(self);
    s->external += (unsigned)NUM2INT(by);
    return self;
}

static unsigned long list_length(const struct list *list)
{
    unsigned long n = 0;
    for (struct list *node = list->next; node != list; node = node->next) n++;
    return n;
}

/* @return [Hash{Symbol => Integer, Float, String}] figures of this scheduler since it was made */
static VALUE scheduler_m_stats(VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    VALUE stats = rb_hash_new();
#define STAT(name, value) rb_hash_aset(stats, ID2SYM(rb_intern(name)), value)
    STAT("backend", rb_str_new_cstr(s->backend->ops->name));
    STAT("fibers", UINT2NUM(s->live));
    STAT("spawned", ULONG2NUM(s->spawned));
    STAT("switches", ULONG2NUM(s->switches));
    STAT("polls", ULONG2NUM(s->backend->polls));
    STAT("waits", ULONG2NUM(s->backend->waits));
    STAT("ready", ULONG2NUM(list_length(&s->ready)));
    STAT("waiting", ULONG2NUM(list_length(&s->waiting) + list_length(&s->io_waiting)));
    STAT("watches", UINT2NUM(s->backend->active));
    STAT("longest_run", DBL2NUM(s->longest_run));
#undef STAT
    return stats;
}

void Init_polyphony_scheduler(VALUE polyphony)
{
    VALUE scheduler = rb_define_class_under(polyphony, "Scheduler", rb_cObject);
    eStop = rb_const_get(polyphony, rb_intern("Stop"));
    rb_gc_register_mark_object(eStop);
    cFiber = rb_path2class("Fiber");
    eFiberError = rb_path2class("FiberError");
    rb_define_alloc_func(scheduler, scheduler_alloc);
    rb_define_private_method(scheduler, "setup", scheduler_m_setup, 1);
    rb_define_method(scheduler, "run", scheduler_m_run, 0);
    rb_define_private_method(scheduler, "interrupt_all", scheduler_m_interrupt_all, 1);
    rb_define_private_method(scheduler, "destroy", scheduler_m_destroy, 0);
    rb_define_private_method(scheduler, "on_close_proc", scheduler_m_on_close_proc, 0);
    rb_define_method(scheduler, "closed?", scheduler_m_closed_p, 0);
    rb_define_method(scheduler, "live", scheduler_m_live, 0);
    rb_define_method(scheduler, "spawn", scheduler_m_spawn, 2);
    rb_define_method(scheduler, "main", scheduler_m_main, 0);
    rb_define_method(scheduler, "main=", scheduler_m_set_main, 1);
    rb_define_method(scheduler, "root", scheduler_m_root, 0);
    rb_define_method(scheduler, "tasks", scheduler_m_tasks, 0);
    rb_define_method(scheduler, "on_close=", scheduler_m_on_close, 1);
    rb_define_method(scheduler, "on_fork=", scheduler_m_on_fork, 1);
    rb_define_method(scheduler, "on_finish=", scheduler_m_on_finish, 1);
    rb_define_method(scheduler, "external", scheduler_m_external, 1);
    rb_define_method(scheduler, "stats", scheduler_m_stats, 0);
    rb_define_singleton_method(scheduler, "current", scheduler_s_current, 0);
    rb_define_singleton_method(scheduler, "handle", scheduler_s_handle, 0);
    rb_define_singleton_method(scheduler, "task", scheduler_s_task, 0);
    rb_define_singleton_method(scheduler, "park", scheduler_s_park, -1);
    rb_define_singleton_method(scheduler, "checkpoint", scheduler_s_checkpoint, 0);
    rb_define_singleton_method(scheduler, "snooze", scheduler_s_snooze, 0);
    rb_define_singleton_method(scheduler, "end_program", scheduler_s_end_program, 0);
    Init_polyphony_task(scheduler);
    Init_polyphony_clock(scheduler);
    Init_polyphony_observe(scheduler);
    Init_polyphony_order(scheduler);
    Init_polyphony_fibers(scheduler);
    Init_polyphony_hooks(scheduler);
    Init_polyphony_hooks_io(scheduler);
    Init_polyphony_hooks_process(scheduler);
}
