#include "backend.h"
#include <errno.h>
#include <string.h>

/* io_uring will be added to this table; nothing above it needs to change. */
static const struct backend_ops *const backends[] = {&polyphony_backend_libev};

const struct backend_ops *polyphony_backend_find(const char *name)
{
    if (!name || !*name) return backends[0];
    for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++)
        if (strcmp(backends[i]->name, name) == 0) return backends[i];
    return NULL;
}

static void closed_close(struct backend *backend, int forget)
{
    (void)backend, (void)forget;
}

static void closed_io_start(struct backend *backend, struct watch *watch, int fd, int events)
{
    (void)backend, (void)watch, (void)fd, (void)events;
}

static void closed_stop(struct backend *backend, struct watch *watch)
{
    (void)backend;
    watch->active = watch->wanted = 0;
}

static void closed_timer_start(struct backend *backend, struct watch *watch, double seconds)
{
    (void)backend, (void)watch, (void)seconds;
}

static void closed_poll(struct backend *backend)
{
    (void)backend;
}

static void closed_wait(struct backend *backend, double seconds)
{
    (void)backend, (void)seconds;
}

static ssize_t closed_read(struct backend *backend, int fd, void *bytes, size_t n, int flags)
{
    (void)backend, (void)fd, (void)bytes, (void)n, (void)flags;
    return -ECANCELED;
}

static ssize_t closed_write(struct backend *backend, int fd, const void *bytes, size_t n, int flags)
{
    (void)backend, (void)fd, (void)bytes, (void)n, (void)flags;
    return -ECANCELED;
}

static int closed_accept(struct backend *backend, int fd)
{
    (void)backend, (void)fd;
    return -ECANCELED;
}

static const struct backend_ops closed_ops = {
    .name = "closed",
    .close = closed_close,
    .io_start = closed_io_start,
    .io_stop = closed_stop,
    .timer_start = closed_timer_start,
    .timer_stop = closed_stop,
    .poll = closed_poll,
    .wait = closed_wait,
    .wakeup = closed_poll,
    .read = closed_read,
    .write = closed_write,
    .accept = closed_accept,
};

struct backend *polyphony_backend_closed(void)
{
    static struct backend closed = {.ops = &closed_ops, .fired_tail = &closed.fired};
    return &closed;
}
