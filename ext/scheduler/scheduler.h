#ifndef POLYPHONY_SCHEDULER_H
#define POLYPHONY_SCHEDULER_H

#include <ruby.h>
#include <ruby/fiber/scheduler.h>
#include <time.h>
#include "backend.h"
#include "list.h"

/*
 * How fibers run
 * ==============
 *
 * A fiber that must wait puts a `waiter` on its own C stack, links it into the scheduler and takes
 * the next runnable waiter off the ready queue: `rb_fiber_transfer` goes straight from fiber to
 * fiber. When nothing is runnable the waiting fiber itself polls, in place.
 *
 * Ruby gives a finished fiber's stack back at once only when the fiber ends in the fiber that
 * resumed it. So each scheduler owns one small fiber, the trampoline, whose only work is to
 * resume fibers for the first time and to be where they end. Switches do not pass through it.
 *
 * Everything here is guarded by the GVL. Other threads may wake fibers, which only moves waiters
 * between lists and prods the poll; watches are touched by the scheduler's own thread alone.
 */

/* Switches between two looks at the operating system while fibers keep each other busy. */
#define SWITCHES_PER_POLL 64
#define MOST_PER_POLL 512 /* when that many descriptors were ready at once */

struct scheduler;
struct task;

enum waiter_state {
    WAITER_WAITING, /* linked in `waiting` or `io_waiting` */
    WAITER_READY,   /* linked in `ready` */
    WAITER_RUNNING, /* unlinked: its fiber has been switched to */
};

enum waiter_kind {
    WAITER_START, /* a fiber that has not run yet */
    WAITER_SNOOZE,
    WAITER_SLEEP,
    WAITER_BLOCK, /* Mutex, Queue, Thread#join… through the block hook */
    WAITER_IO,
    WAITER_SELECT,
    WAITER_PROCESS,
    WAITER_PARK, /* layer 2: await, receive… */
    WAITER_CLOSE,
    WAITER_SETTLE, /* until every other fiber waits */
};

/* One suspended fiber. Lives on that fiber's C stack (a not yet started one: in its task). */
struct waiter {
    struct list link;
    struct waiter *next_hashed; /* chain in scheduler->blocked, by fiber */
    struct waiter *outer;       /* the wait this one interrupted (a trap handler that waits) */
    struct task *task;
    VALUE fiber;                  /* the innermost fiber: the one to transfer to */
    VALUE subject;                /* IO, blocker or reason: what `waiting_on` shows */
    VALUE error;                  /* raised in the fiber when it is resumed; 0: none */
    struct list *after;           /* Fiber.schedule: be queued right behind this */
    struct waiter *outer_spawner; /* … and who was in Fiber.schedule before */
    struct watch watch;
    struct watch timer;
    double deadline; /* monotonic seconds; 0: none */
    double pause;    /* of WAITER_SETTLE */
    long pid;
    unsigned char state, kind;
    unsigned char hashed;
    unsigned char woken;      /* by an event or an unblock */
    unsigned char timedout;   /* by its timer */
    unsigned char cut;        /* by an interruption that is pending on the task */
    unsigned char keep_watch; /* of a loop: its descriptor stays registered between rounds */
};

/* An active time limit: Timeout.timeout, move_on_after, cancel_after. */
struct scope {
    struct watch timer;
    struct task *task;
    struct scope *outer;
    double deadline; /* monotonic seconds; 0: none */
    VALUE fiber;     /* that entered it: its stack may hold this record, so it must live */
    VALUE owner;     /* CancelScope, or 0 for Timeout */
    VALUE error_class, error_args;
    unsigned char fired, active, raised;
    unsigned char nested; /* entered in a nested fiber: cuts only what that one waits for */
    unsigned shield;      /* the task's when entered: shields inside of this limit hold it back */
};

enum task_state { TASK_NEW, TASK_STARTING, TASK_LIVE, TASK_DONE };

/* One logical fiber: a spun or scheduled fiber, or the thread's root. Waits inside nested fibers
   (Enumerator, Fiber.new) belong to the task that resumed them. */
struct task {
    struct list link; /* scheduler->tasks */
    struct scheduler *scheduler;
    struct waiter start;
    struct waiter *waiter; /* current wait; NULL while running */
    struct scope *scopes;  /* innermost first */
    VALUE fiber;
    char *stack;         /* a place near the beginning of its stack; NULL: not known */
    VALUE wrapper;       /* Scheduler::Task, once Ruby asked for it; else 0 */
    VALUE handle;        /* what Polyphony.current returns; set by layer 2, else nil */
    VALUE pending;       /* exceptions to raise at the next wait: Array, or nil */
    unsigned interrupts; /* pending exceptions and fired scopes not yet raised */
    unsigned shield;
    unsigned refs; /* one from the scheduler while live, one from the wrapper */
    unsigned char state;
    unsigned char plain;        /* started by Fiber.schedule */
    unsigned char stacked;      /* counted in polyphony_stacks */
    unsigned char wake_pending; /* woken while it was not parked */
};

struct scheduler {
    struct backend *backend;
    struct list ready, waiting, io_waiting;
    struct list tasks;
    struct task *root;    /* the thread's root fiber */
    struct task *current; /* the running task */
    struct task *main;    /* who gets signals, uncaught errors and Deadlock */

    VALUE self, thread;
    VALUE home; /* the fiber that made the scheduler: the root fiber, as a rule */
    VALUE trampoline;
    struct task *starting;     /* for the trampoline to resume */
    struct task *finishing;    /* for the trampoline to resume for the last time */
    struct task *killed;       /* for the trampoline to let go, as the thread ends by it */
    struct task *last_started; /* what the trampoline's pending resume is for */
    struct waiter *spawner;    /* who runs Fiber.schedule just now */
    struct waiter *closer;     /* who waits for `live` to fall */
    VALUE on_close, on_fork, on_finish;
    VALUE trace, on_hold; /* see observe.c */
    VALUE sampler;        /* a thread that only watches: for Deadlock it is not there */
    double hold_limit, run_from, longest_run;

    struct clock *clock; /* virtual; NULL: time is real */
    VALUE seed;          /* of the random order, see order.c */
    unsigned long long random;
    unsigned settling; /* fibers in wait_all_blocked */

    struct waiter **blocked; /* waiters that `unblock` may wake, hashed by fiber */
    unsigned blocked_size, blocked_count;
    VALUE early[32]; /* unblocks that came before their block: fiber, blocker, … */
    unsigned early_count;

    char *scratch; /* where read loops read to before the String's length is known */
    size_t scratch_size;

    unsigned generation; /* of the process: see fork.c */
    unsigned live;       /* tasks started and not finished, without the root */
    unsigned external;   /* operations in flight that will wake a fiber */
    unsigned since_poll;
    unsigned round;     /* switches until the next poll */
    unsigned unscanned; /* descriptor waits not yet checked for a closed IO */
    unsigned long switches, spawned;
    unsigned char polling;  /* without the GVL: whoever wakes a fiber must prod the backend */
    unsigned char checking; /* interrupts: what is raised now was meant for the thread */
    unsigned char closed, forked;
    unsigned char shuffled;
    unsigned char tick;      /* some milliseconds have passed since other threads were let in */
    unsigned char observing; /* a tracer or watcher runs: it is not observed and cannot wait */
};

/* scheduler.c: the run loop */
struct scheduler *scheduler_get(VALUE self);
struct scheduler *scheduler_current(void);         /* this thread's, or NULL */
struct scheduler *scheduler_current_install(void); /* … or installs one */
struct scheduler *scheduler_current_bang(void);    /* … or raises */
void scheduler_setup(struct scheduler *s, VALUE self, const char *backend);
void waiter_init(struct waiter *w, enum waiter_kind kind, VALUE subject);
void scheduler_suspend(struct scheduler *s, struct waiter *w);
void scheduler_wake(struct scheduler *s, struct waiter *w);
void scheduler_wake_first(struct scheduler *s, struct waiter *w);
void waiter_set_timeout(struct scheduler *s, struct waiter *w, VALUE timeout);
void waiter_watch(struct scheduler *s, struct waiter *w, int fd, int events);
void scheduler_snooze(struct scheduler *s);
double scheduler_seconds(VALUE duration, const char *what);
extern const rb_data_type_t scheduler_type;
extern VALUE cFiber, eFiberError; /* Ruby does not export them */
extern VALUE eStop;               /* Polyphony::Stop: ends a fiber without being an error */

/* Whether a caught tag is an exception; Thread#kill, throw and break are not. */
int error_is_exception(VALUE error);
void scheduler_set_main(struct scheduler *s, struct task *t);

static inline int waiter_linked(const struct waiter *w)
{
    return w->link.next != &w->link;
}

/* clock.c: timers, real or virtual */
struct clock;
double clock_seconds(clockid_t id);
double scheduler_now(void);                       /* real monotonic seconds */
double scheduler_time(const struct scheduler *s); /* what deadlines are measured with */
void scheduler_timer_start(struct scheduler *s, struct watch *watch, double seconds);
void scheduler_timer_stop(struct scheduler *s, struct watch *watch);
double clock_patience(const struct scheduler *s);
void clock_jump(struct scheduler *s);
void clock_forget_timers(struct scheduler *s);
void clock_free(struct scheduler *s);

/* order.c */
unsigned order_random(struct scheduler *s);
struct list *order_pick(struct scheduler *s);
struct waiter *settle_first(const struct scheduler *s);

/* observe.c */
void trace_event(struct scheduler *s, struct task *t, const char *name, VALUE detail);
void run_begins(struct scheduler *s);
void run_polls(struct scheduler *s);
void run_ends_watched(struct scheduler *s);

/* The running fiber is about to wait, or to end. */
static inline void run_ends(struct scheduler *s)
{
    if (RB_UNLIKELY(s->hold_limit > 0)) run_ends_watched(s);
}

static inline int traced(const struct scheduler *s)
{
    return RB_UNLIKELY(!NIL_P(s->trace));
}

/* dispatch.c: switching and polling */
VALUE scheduler_run_until_running(VALUE waiter);
VALUE hook_timeout_after(int argc, VALUE *argv, VALUE self);
void scheduler_start_trampoline(struct scheduler *s);
extern unsigned polyphony_stacks; /* fibers of all schedulers that have a stack */

/* task.c */
struct task *task_new(struct scheduler *s, VALUE fiber, int plain);
void task_release(struct task *t);
void task_spawn(struct scheduler *s, struct task *t, int first);
void task_interrupt(struct task *t, VALUE error);
void task_cut(struct task *t);
void task_raise_pending(struct task *t);
int task_is_due(const struct task *t, VALUE fiber);

/* Whether a wait of the task in `fiber` (it may be a nested one) is to raise. */
static inline int task_has_pending(const struct task *t, VALUE fiber)
{
    return RB_UNLIKELY(t->interrupts) && task_is_due(t, fiber);
}
void task_failed_to_start(struct scheduler *s, struct task *t, VALUE error);
void task_leave(struct scheduler *s, struct task *t, int killed);
void task_mark(const struct task *t, int with_scopes);
VALUE task_wrapper(struct task *t);
VALUE waiter_describe(const struct waiter *w);
struct task *task_get(VALUE self);

/* scope.c */
void scope_enter(struct scheduler *s, struct scope *scope, double seconds);
void scope_leave(struct scope *scope);
void scope_set(struct scope *scope, double seconds);
void scope_mark(const struct scope *scope);
void task_forget_scopes(struct task *t, int stop_timers);
struct scope *task_fired_scope(const struct task *t, VALUE fiber);
double task_nearest_deadline(const struct task *t);
VALUE scope_error(struct scope *scope);

/* blocked.c: waiters by fiber */
void blocked_insert(struct scheduler *s, struct waiter *w);
void blocked_remove(struct scheduler *s, struct waiter *w);
struct waiter *blocked_find(struct scheduler *s, VALUE fiber);
int blocker_matches(VALUE subject, VALUE blocker);
void early_note(struct scheduler *s, VALUE fiber, VALUE blocker);
int early_take(struct scheduler *s, VALUE fiber, VALUE blocker);

/* fork.c */
extern volatile unsigned polyphony_generation;
void scheduler_after_fork(struct scheduler *s);

/* Every entry into a hook. Only the scheduler's own thread may touch its loop. */
struct scheduler *hook_enter(VALUE self);

/* Every entry from Ruby goes through here: a forked child must not run its parent's fibers. */
static inline void scheduler_check(struct scheduler *s)
{
    if (RB_UNLIKELY(s->generation != polyphony_generation)) scheduler_after_fork(s);
}

/* io.c: what Ruby knows of an IO */
int io_descriptor(VALUE io);
int io_is_closed(VALUE io, int fd);
VALUE io_time_limit(VALUE io);
int io_transfer_flags(VALUE io, int fd);
VALUE io_writer(VALUE io);
long io_buffered(VALUE io);
int io_flush(VALUE io);
int io_unflushed(VALUE io);
void io_set_nonblock(VALUE io);
int scheduler_wait_fd(struct scheduler *s, VALUE io, int fd, int events, VALUE timeout);

/* Transfer once and return a count or -errno. The read is for a descriptor that just had nothing:
   it waits first. The write waits where needed. */
ssize_t scheduler_read_fd(struct scheduler *s, VALUE io, int fd, void *bytes, size_t n, int flags);
ssize_t scheduler_write_fd(struct scheduler *s, VALUE io, int fd, const void *bytes, size_t n,
                           int flags);

void Init_polyphony_scheduler(VALUE polyphony);
void Init_polyphony_hooks(VALUE scheduler);
void Init_polyphony_hooks_io(VALUE scheduler);
void Init_polyphony_hooks_process(VALUE scheduler);
void Init_polyphony_task(VALUE scheduler);
void Init_polyphony_clock(VALUE scheduler);
void Init_polyphony_observe(VALUE scheduler);
void Init_polyphony_order(VALUE scheduler);
void Init_polyphony_fibers(VALUE scheduler);
void Init_polyphony_scope(VALUE polyphony);
void Init_polyphony_fork(void);
void Init_polyphony_backend_class(VALUE polyphony);
void Init_polyphony_backend_loops(VALUE backend);
void Init_polyphony_backend_files(VALUE backend);

#endif
