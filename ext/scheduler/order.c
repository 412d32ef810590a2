#include "scheduler.h"
#include <math.h>

/* For tests: the run queue in random order, to find what relies on the order by chance, and a wait
   for the moment when nobody else has anything to do. */

/* How far into the queue a random pick looks. */
#define SHUFFLE_DEPTH 64

/* xorshift64*: the same seed gives the same order on every machine. */
unsigned order_random(struct scheduler *s)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return (unsigned)((s->random * 0x2545F4914F6CDD1DULL) >> 33);
}

struct list *order_pick(struct scheduler *s)
{
    struct list *node = s->ready.next;
    unsigned n = 0;
    /* What Fiber.schedule starts runs at once, and its caller goes on right after: that is what it
       means, not chance. */
    if (s->spawner) return node;
    for (; node != &s->ready && n < SHUFFLE_DEPTH; node = node->next) n++;
    unsigned pick = order_random(s) % n;
    for (node = s->ready.next; pick > 0; pick--) node = node->next;
    return node;
}

/*
 *  call-seq: scheduler.shuffle = seed or nil
 *
 *  Runs fibers in random order from now on: one that depends on +seed+ (Integer) alone, as far as
 * the program is deterministic itself. nil: first come, first served.
 */
static VALUE scheduler_m_set_shuffle(VALUE self, VALUE seed)
{
    struct scheduler *s = hook_enter(self);
    if (NIL_P(seed)) {
        s->shuffled = 0;
    } else {
        unsigned long long n = NUM2ULL(rb_funcall(seed, '&', 1, ULL2NUM(0xFFFFFFFFFFFFFFFFULL)));
        /* splitmix64, so that neighbouring seeds have nothing in common */
        n += 0x9E3779B97F4A7C15ULL;
        n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9ULL;
        n = (n ^ (n >> 27)) * 0x94D049BB133111EBULL;
        n ^= n >> 31;
        s->random = n ? n : 1;
        s->shuffled = 1;
    }
    s->seed = seed;
    return seed;
}

/* @return [Integer, nil] the seed of the random order */
static VALUE scheduler_m_shuffle(VALUE self)
{
    return scheduler_get(self)->seed;
}

/* --- waiting until all others wait --- */

/* The one that asked for the shortest pause, NULL when nobody waits for that. */
struct waiter *settle_first(const struct scheduler *s)
{
    struct waiter *first = NULL;
    if (!s->settling) return NULL;
    for (struct list *node = s->waiting.next; node != &s->waiting; node = node->next) {
        struct waiter *w = CONTAINER_OF(node, struct waiter, link);
        if (w->kind == WAITER_SETTLE && (!first || w->pause < first->pause)) first = w;
    }
    return first;
}

static VALUE settle_wait(VALUE pointer)
{
    struct waiter *w = (struct waiter *)pointer;
    scheduler_suspend(w->task->scheduler, w);
    return Qnil;
}

static VALUE settle_end(VALUE pointer)
{
    ((struct scheduler *)pointer)->settling--;
    return Qnil;
}

/*
 *  call-seq: Scheduler.wait_all_blocked(pause = 0) -> nil
 *
 *  Suspends until every other fiber of this thread waits, and has done so for +pause+ real seconds
 *  (what comes from outside the program may be on its way).
 */
static VALUE scheduler_s_wait_all_blocked(int argc, VALUE *argv, VALUE class)
{
    struct scheduler *s = scheduler_current_bang();
    struct waiter w;
    (void)class;
    rb_check_arity(argc, 0, 1);
    waiter_init(&w, WAITER_SETTLE, Qnil);
    if (argc) w.pause = scheduler_seconds(argv[0], "pause");
    if (isinf(w.pause)) rb_raise(rb_eArgError, "pause must be finite");
    w.task = s->current;
    s->settling++;
    rb_ensure(settle_wait, (VALUE)&w, settle_end, (VALUE)s);
    return Qnil;
}

void Init_polyphony_order(VALUE scheduler)
{
    rb_define_method(scheduler, "shuffle=", scheduler_m_set_shuffle, 1);
    rb_define_method(scheduler, "shuffle", scheduler_m_shuffle, 0);
    rb_define_singleton_method(scheduler, "wait_all_blocked", scheduler_s_wait_all_blocked, -1);
}
