#include "scheduler.h"

/* Which wait `unblock(blocker, fiber)` means: an intrusive hash of waiters by fiber. */

static inline unsigned bucket(const struct scheduler *s, VALUE fiber)
{
    /* Slots are at least 40 bytes apart: drop the low bits, mix the high ones. */
    uintptr_t h = (uintptr_t)fiber >> 3;
    return (unsigned)((h * 0x9E3779B97F4A7C15ull) >> 32) & (s->blocked_size - 1);
}

static void grow(struct scheduler *s)
{
    unsigned old_size = s->blocked_size;
    struct waiter **old = s->blocked;
    s->blocked = xcalloc(old_size * 2, sizeof(*old));
    s->blocked_size = old_size * 2;
    for (unsigned i = 0; i < old_size; i++) {
        struct waiter *w = old[i];
        while (w) {
            struct waiter *next = w->next_hashed;
            unsigned b = bucket(s, w->fiber);
            w->next_hashed = s->blocked[b];
            s->blocked[b] = w;
            w = next;
        }
    }
    xfree(old);
}

void blocked_insert(struct scheduler *s, struct waiter *w)
{
    if (s->blocked_count >= s->blocked_size) grow(s);
    unsigned b = bucket(s, w->fiber);
    w->next_hashed = s->blocked[b];
    s->blocked[b] = w;
    w->hashed = 1;
    s->blocked_count++;
}

void blocked_remove(struct scheduler *s, struct waiter *w)
{
    struct waiter **link = &s->blocked[bucket(s, w->fiber)];
    while (*link && *link != w) link = &(*link)->next_hashed;
    if (*link) {
        *link = w->next_hashed;
        s->blocked_count--;
    }
    w->hashed = 0;
}

struct waiter *blocked_find(struct scheduler *s, VALUE fiber)
{
    struct waiter *w = s->blocked[bucket(s, fiber)];
    while (w && w->fiber != fiber) w = w->next_hashed;
    return w;
}

/* Does an unblock for `blocker` mean a wait on `subject`? Thread#join waits on the thread that is
   to end and is unblocked with the thread that waits (Ruby 3.1 to 3.4): any thread will do. */
int blocker_matches(VALUE subject, VALUE blocker)
{
    if (subject == blocker || NIL_P(subject)) return 1;
    return RTEST(rb_obj_is_kind_of(subject, rb_cThread)) &&
           RTEST(rb_obj_is_kind_of(blocker, rb_cThread));
}

/*
 * An unblock may come before its block, when another thread runs between the moment a fiber is
 * put on Ruby's list of waiters and the moment the hook is called. It is remembered with its
 * blocker, so that a late one cannot end an unrelated wait. Few are ever outstanding; when the
 * table is full the oldest goes, which at worst loses a wake-up nobody came for.
 */
#define EARLY_MAX (sizeof(((struct scheduler *)0)->early) / sizeof(VALUE) / 2)

void early_note(struct scheduler *s, VALUE fiber, VALUE blocker)
{
    early_take(s, fiber, blocker);
    if (s->early_count == EARLY_MAX) {
        memmove(s->early, s->early + 2, (EARLY_MAX - 1) * 2 * sizeof(VALUE));
        s->early_count--;
    }
    s->early[s->early_count * 2] = fiber;
    s->early[s->early_count * 2 + 1] = blocker;
    s->early_count++;
}

int early_take(struct scheduler *s, VALUE fiber, VALUE blocker)
{
    for (unsigned i = 0; i < s->early_count; i++) {
        if (s->early[i * 2] != fiber || !blocker_matches(blocker, s->early[i * 2 + 1])) continue;
        s->early_count--;
        s->early[i * 2] = s->early[s->early_count * 2];
        s->early[i * 2 + 1] = s->early[s->early_count * 2 + 1];
        return 1;
    }
    return 0;
}
