#include "scheduler.h"
#include <math.h>

/*
 * The scheduler's timers, and its virtual clock: for tests, in which an hour of sleep must take no
 * time. While it is on, new timers go onto a heap instead of to the backend, and the clock jumps to
 * the next of them when every fiber waits. Timers that ran before stay with the backend.
 */

struct entry {
    double at;
    unsigned long order; /* of two that are due at the same time the older one is first */
    struct watch *watch;
};

struct clock {
    double now;
    double threshold; /* real seconds without an event before the clock jumps */
    struct entry *heap;
    size_t count, size;
    unsigned long order;
};

double clock_seconds(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double scheduler_now(void)
{
    return clock_seconds(CLOCK_MONOTONIC);
}

double scheduler_time(const struct scheduler *s)
{
    return RB_UNLIKELY(s->clock != NULL) ? s->clock->now : scheduler_now();
}

/* --- the heap: a watch knows its place in it, so that it can leave in O(log n) --- */

static void put(struct clock *c, size_t i, struct entry entry)
{
    c->heap[i] = entry;
    entry.watch->impl[0] = (long long)i;
}

static int before(const struct entry *a, const struct entry *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void sift_up(struct clock *c, size_t i)
{
    struct entry entry = c->heap[i];
    for (; i > 0 && before(&entry, &c->heap[(i - 1) / 2]); i = (i - 1) / 2)
        put(c, i, c->heap[(i - 1) / 2]);
    put(c, i, entry);
}

static void sift_down(struct clock *c, size_t i)
{
    struct entry entry = c->heap[i];
    for (size_t child; (child = 2 * i + 1) < c->count; i = child) {
        if (child + 1 < c->count && before(&c->heap[child + 1], &c->heap[child])) child++;
        if (!before(&c->heap[child], &entry)) break;
        put(c, i, c->heap[child]);
    }
    put(c, i, entry);
}

static void heap_add(struct clock *c, struct watch *watch, double seconds)
{
    if (c->count == c->size) {
        size_t size = c->size ? c->size * 2 : 64;
        REALLOC_N(c->heap, struct entry, size);
        c->size = size;
    }
    watch->active = watch->simulated = 1;
    put(c, c->count, (struct entry){c->now + seconds, c->order++, watch});
    sift_up(c, c->count++);
}

static void heap_remove(struct clock *c, struct watch *watch)
{
    size_t i = (size_t)watch->impl[0];
    watch->active = watch->simulated = 0;
    struct entry last = c->heap[--c->count];
    if (i == c->count) return;
    put(c, i, last);
    sift_down(c, i);
    sift_up(c, (size_t)last.watch->impl[0]);
}

/* --- timers --- */

void scheduler_timer_start(struct scheduler *s, struct watch *watch, double seconds)
{
    if (RB_UNLIKELY(s->clock != NULL))
        heap_add(s->clock, watch, seconds);
    else
        s->backend->ops->timer_start(s->backend, watch, seconds);
}

void scheduler_timer_stop(struct scheduler *s, struct watch *watch)
{
    if (!watch->active) return;
    if (RB_UNLIKELY(watch->simulated))
        heap_remove(s->clock, watch);
    else
        s->backend->ops->timer_stop(s->backend, watch);
}

/* --- the virtual clock --- */

static void fire_until(struct clock *c, double time)
{
    while (c->count && c->heap[0].at <= time) {
        struct watch *watch = c->heap[0].watch;
        if (c->heap[0].at > c->now) c->now = c->heap[0].at;
        heap_remove(c, watch);
        watch->on_fire(watch);
    }
}

/* How long to wait in reality before the clock may jump; < 0 when it has nowhere to jump to, or
   what is under way outside the loop will wake a fiber first. */
double clock_patience(const struct scheduler *s)
{
    const struct clock *c = s->clock;
    if (!c || !c->count || s->external || isinf(c->threshold)) return -1;
    return c->threshold;
}

void clock_jump(struct scheduler *s)
{
    fire_until(s->clock, s->clock->heap[0].at);
}

static void clock_start(struct scheduler *s, double threshold)
{
    if (!s->clock) {
        s->clock = ZALLOC(struct clock);
        s->clock->now = scheduler_now();
    }
    s->clock->threshold = threshold;
}

static void hand_back(struct scheduler *s, struct watch *timer, double *deadline, double elapsed)
{
    if (!timer->active || !timer->simulated) return;
    double left = *deadline - s->clock->now;
    heap_remove(s->clock, timer);
    *deadline -= elapsed;
    s->backend->ops->timer_start(s->backend, timer, left > 0 ? left : 0);
}

static void hand_back_timers(struct scheduler *s, struct task *t, double elapsed)
{
    for (struct waiter *w = t->waiter; w; w = w->outer)
        hand_back(s, &w->timer, &w->deadline, elapsed);
    for (struct scope *scope = t->scopes; scope; scope = scope->outer)
        hand_back(s, &scope->timer, &scope->deadline, elapsed);
}

/* Timers that are left go on in reality, for what is left of them. */
static void clock_stop(struct scheduler *s)
{
    if (!s->clock) return;
    double elapsed = s->clock->now - scheduler_now();
    hand_back_timers(s, s->root, elapsed);
    for (struct list *node = s->tasks.next; node != &s->tasks; node = node->next)
        hand_back_timers(s, CONTAINER_OF(node, struct task, link), elapsed);
    clock_free(s);
}

void clock_free(struct scheduler *s)
{
    if (!s->clock) return;
    xfree(s->clock->heap);
    xfree(s->clock);
    s->clock = NULL;
}

/* In a forked child the other fibers' timers are gone. */
void clock_forget_timers(struct scheduler *s)
{
    if (s->clock) s->clock->count = 0;
}

/*
 *  call-seq: scheduler.virtual_clock = seconds or nil
 *
 *  Makes this scheduler's time virtual: sleeps, timeouts and time limits take none, because the
 *  clock jumps to the next of them when every fiber waits and nothing has happened for +seconds+ of
 *  real time (0: at once; Float::INFINITY: never, see #advance). nil: real time again.
 */
static VALUE scheduler_m_set_virtual_clock(VALUE self, VALUE threshold)
{
    struct scheduler *s = hook_enter(self);
    if (NIL_P(threshold))
        clock_stop(s);
    else
        clock_start(s, scheduler_seconds(threshold, "threshold"));
    return threshold;
}

/* @return [Float, nil] the threshold in seconds; nil when time is real */
static VALUE scheduler_m_virtual_clock(VALUE self)
{
    struct scheduler *s = scheduler_get(self);
    return s->clock ? DBL2NUM(s->clock->threshold) : Qnil;
}

/* Moves the virtual clock on; what becomes due is queued in the order it was due. */
static VALUE scheduler_m_advance(VALUE self, VALUE by)
{
    struct scheduler *s = hook_enter(self);
    double seconds = scheduler_seconds(by, "time interval");
    if (!s->clock) rb_raise(rb_eArgError, "the clock of this scheduler is not virtual");
    if (isinf(seconds)) rb_raise(rb_eArgError, "cannot advance to the end of time");
    double time = s->clock->now + seconds;
    fire_until(s->clock, time);
    s->clock->now = time;
    return self;
}

/* @return [Float] monotonic seconds; virtual while the thread's scheduler has a virtual clock */
static VALUE scheduler_s_now(VALUE class)
{
    struct scheduler *s = scheduler_current();
    (void)class;
    return DBL2NUM(s ? scheduler_time(s) : scheduler_now());
}

void Init_polyphony_clock(VALUE scheduler)
{
    rb_define_method(scheduler, "virtual_clock=", scheduler_m_set_virtual_clock, 1);
    rb_define_method(scheduler, "virtual_clock", scheduler_m_virtual_clock, 0);
    rb_define_method(scheduler, "advance", scheduler_m_advance, 1);
    rb_define_singleton_method(scheduler, "now", scheduler_s_now, 0);
}
