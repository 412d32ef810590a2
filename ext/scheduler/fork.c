#include "scheduler.h"
#include <pthread.h>

/*
 * A forked child has copies of all fibers and shares the parent's poll set. It must run none of
 * those fibers and must not touch that set: at its first entry into the scheduler it drops all
 * but the fiber that forked and opens a loop of its own.
 */

volatile unsigned polyphony_generation;

static void count_fork(void)
{
    polyphony_generation++;
}

void Init_polyphony_fork(void)
{
    pthread_atfork(NULL, NULL, count_fork);
}

static void forget_tasks(struct scheduler *s)
{
    struct list *node = s->tasks.next;
    while (node != &s->tasks) {
        struct task *t = CONTAINER_OF(node, struct task, link);
        node = node->next;
        if (t == s->current) continue;
        list_remove(&t->link);
        t->state = TASK_DONE;
        t->waiter = NULL;
        task_forget_scopes(t, 0);
        t->fiber = Qnil;
        task_release(t);
    }
}

static void forget_waiters(struct scheduler *s)
{
    struct list *lists[] = {&s->ready, &s->waiting, &s->io_waiting};
    for (int i = 0; i < 3; i++) {
        list_init(lists[i]); /* their nodes may be gone: do not touch them */
    }
    memset(s->blocked, 0, s->blocked_size * sizeof(*s->blocked));
    s->blocked_count = s->early_count = s->unscanned = 0;
}

void scheduler_after_fork(struct scheduler *s)
{
    if (s->closed) {
        s->generation = polyphony_generation;
        return;
    }
    struct backend *old = s->backend;
    struct task *survivor = s->current;
    struct backend *fresh = old->ops->open();
    if (!fresh) rb_sys_fail("cannot open the event loop in a forked process");
    s->generation = polyphony_generation;
    scheduler_set_main(s, survivor);
    polyphony_stacks =
        1; /* those of the other fibers are never given back, but never grow either */
    forget_tasks(s);
    forget_waiters(s);
    survivor->waiter = NULL;
    if (survivor != s->root) {
        s->root->waiter = NULL;
        s->root->handle = Qnil;
        task_forget_scopes(s->root, 0);
    }
    for (struct scope *scope = survivor->scopes; scope; scope = scope->outer)
        scope->timer.active = scope->timer.simulated = 0;
    clock_forget_timers(s);
    s->backend = fresh;
    old->ops->close(old, 0);
    for (struct scope *scope = survivor->scopes; scope; scope = scope->outer) {
        double left = scope->deadline - scheduler_time(s);
        if (scope->deadline > 0 && !scope->fired)
            scheduler_timer_start(s, &scope->timer, left > 0 ? left : 0);
    }
    s->live = survivor == s->root ? 0 : 1;
    s->external = s->settling = 0;
    s->starting = s->finishing = s->killed = NULL;
    s->spawner = s->closer = NULL;
    s->polling = s->checking = 0;
    s->forked = 1;
    s->thread = rb_thread_current();
    if (!NIL_P(s->on_fork)) rb_funcall(s->on_fork, rb_intern("call"), 1, survivor->handle);
}
