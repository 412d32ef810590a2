#ifndef POLYPHONY_BACKEND_H
#define POLYPHONY_BACKEND_H

#include "list.h"
#include <stddef.h>
#include <sys/types.h>

/*
 * The seam between the scheduler and the operating system. A backend knows descriptors, timers
 * and wake-ups; it holds no Ruby object and calls no Ruby function, so its poll may run without
 * the GVL. What it has to report it puts on `backend->fired`; the scheduler takes it from there
 * once it holds the GVL again.
 */

#define BACKEND_READABLE 1
#define BACKEND_WRITABLE 4
/* Reported, never asked for: the descriptor went away under its watch. */
#define BACKEND_GONE 8

struct watch;
typedef void watch_fired_func(struct watch *watch);

/*
 * One thing waited for. It lives on the C stack of the waiting fiber (or inside a record that
 * outlives the wait) and must be stopped before that memory goes away.
 */
struct watch {
    struct watch *next_fired;
    watch_fired_func *on_fire; /* called by the scheduler, with the GVL */
    struct list siblings;      /* the other watches of the same descriptor */
    int fd;
    unsigned char events;  /* what is waited for */
    unsigned char revents; /* what happened */
    unsigned char active;  /* known to the operating system */
    unsigned char wanted;  /* an owner waits now; otherwise the next event switches the watch off */
    unsigned char fired;   /* is on the fired list */
    unsigned char simulated; /* is on the virtual clock's heap, not with the backend */
    long long impl[8];       /* the backend's own watcher */
};

struct backend;

struct backend_ops {
    const char *name;
    struct backend *(*open)(void); /* NULL and errno on failure */
    /* `forget`: the watches still registered are alive and told that they are not any more; else
       their memory may be gone already and is left alone. */
    void (*close)(struct backend *, int forget);
    void (*io_start)(struct backend *, struct watch *, int fd, int events);
    void (*io_stop)(struct backend *, struct watch *);
    void (*timer_start)(struct backend *, struct watch *, double seconds);
    void (*timer_stop)(struct backend *, struct watch *);
    /* Makes pending registrations known to the kernel and collects what is ready, without waiting.
       Must be called with the GVL: no descriptor may be closed between its check and its use. */
    void (*poll)(struct backend *);
    /* Waits for at least one event or wake-up, at most `seconds` (< 0: no limit). No registration
       may be pending: call `poll` first. Runs without the GVL. */
    void (*wait)(struct backend *, double seconds);
    void (*wakeup)(struct backend *); /* from any thread, async-signal-safe */
    /* Transfers. Each tries once and returns a count or -errno; -EAGAIN means: wait for
       readiness and try again. A completion-based backend may instead keep the request. */
    ssize_t (*read)(struct backend *, int fd, void *bytes, size_t length, int flags);
    ssize_t (*write)(struct backend *, int fd, const void *bytes, size_t length, int flags);
    int (*accept)(struct backend *, int fd);
};

/* Transfer flags: what is known of the descriptor. */
#define TRANSFER_SOCKET 1   /* may be told not to block for a single call */
#define TRANSFER_BLOCKING 2 /* O_NONBLOCK is off and stays off: check readiness first */

struct backend {
    const struct backend_ops *ops;
    struct watch *fired, **fired_tail; /* in the order the events were seen */
    unsigned long polls, waits;
    unsigned active;     /* watches that can wake the loop */
    unsigned char dirty; /* registrations that the kernel does not know yet: `poll` before `wait` */
};

extern const struct backend_ops polyphony_backend_libev;

/* Takes the place of a backend that was closed: does nothing. */
struct backend *polyphony_backend_closed(void);

/* The backend of that name, or the default when `name` is NULL; NULL when there is none. */
const struct backend_ops *polyphony_backend_find(const char *name);

#endif
