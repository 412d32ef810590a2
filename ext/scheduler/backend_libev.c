#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* accept4 */
#endif
#include "backend.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef HAVE_LIBEV_EV_H
#include <libev/ev.h>
#else
#include <ev.h>
#endif
#ifdef LIBEV_SONAME
#include "libev_private.h"
#endif

/*
 * The libev backend, on an unpatched system libev.
 *
 * libev as Debian builds it has its assertions on: handing a closed descriptor to epoll aborts
 * the process. A close under a waiter is an ordinary event, so each descriptor whose registration
 * changed is checked once more right before libev passes it to the kernel (`check_changed`), while
 * the GVL still keeps other threads from closing it.
 */

struct fd_slot {
    struct list watches;
    unsigned char used;    /* `watches` is initialised */
    unsigned char changed; /* is on the `changed` list */
};

struct libev_backend {
    struct backend base;
    struct ev_loop *loop;
    ev_async async;
    ev_timer limit;
    struct fd_slot *slots;
    int slots_size;
    int *changed;
    int changed_count, changed_size;
};

_Static_assert(sizeof(ev_io) <= sizeof(((struct watch *)0)->impl), "ev_io fits a watch");
_Static_assert(sizeof(ev_timer) <= sizeof(((struct watch *)0)->impl), "ev_timer fits a watch");
_Static_assert(BACKEND_READABLE == 1 && BACKEND_WRITABLE == 4, "as IO::READABLE and WRITABLE");

static inline struct libev_backend *libev(struct backend *backend)
{
    return (struct libev_backend *)backend;
}

static void fire(struct backend *backend, struct watch *watch)
{
    if (watch->fired) return;
    watch->fired = 1;
    watch->wanted = 0;
    watch->next_fired = NULL;
    *backend->fired_tail = watch;
    backend->fired_tail = &watch->next_fired;
}

static void on_async(struct ev_loop *loop, ev_async *async, int revents)
{
    (void)loop, (void)async, (void)revents;
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)timer, (void)revents;
}

/* Fires only through libev, hence never before its descriptor was checked. */
static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
    struct watch *watch = io->data;
    struct libev_backend *b = ev_userdata(loop);
    watch->revents |= (unsigned char)(((revents & EV_READ) ? BACKEND_READABLE : 0) |
                                      ((revents & EV_WRITE) ? BACKEND_WRITABLE : 0) |
                                      ((revents & EV_ERROR) ? BACKEND_GONE : 0));
    if (watch->wanted)
        fire(&b->base, watch);
    else
        b->base.ops->io_stop(&b->base, watch);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct watch *watch = timer->data;
    struct libev_backend *b = ev_userdata(loop);
    (void)revents;
    watch->active = 0; /* libev has stopped it: it does not repeat */
    b->base.active--;
    fire(&b->base, watch);
}

/* libev aborts the process when it gets no descriptor for its wake-ups: ask before it does. */
static int descriptors_left(void)
{
    int taken[3], n = 0;
    while (n < 3 && (taken[n] = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) != -1) n++;
    int left = n == 3 || errno == EBADF;
    while (n > 0) close(taken[--n]);
    return left;
}

static struct backend *libev_open(void)
{
    if (!descriptors_left()) {
        errno = EMFILE;
        return NULL;
    }
#ifdef LIBEV_SONAME
    if (!libev_load()) {
        errno = ELIBACC;
        return NULL;
    }
#endif
    struct libev_backend *b = calloc(1, sizeof(*b));
    if (!b) return NULL;
    b->base.ops = &polyphony_backend_libev;
    b->base.fired_tail = &b->base.fired;
    b->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOSIGMASK);
    if (!b->loop) {
        free(b);
        errno = EMFILE; /* libev does not say; running out of descriptors is the usual cause */
        return NULL;
    }
    ev_set_userdata(b->loop, b);
    ev_async_init(&b->async, on_async);
    ev_async_start(b->loop, &b->async);
    ev_init(&b->limit, on_limit);
    return &b->base;
}

static void libev_close(struct backend *backend, int forget)
{
    struct libev_backend *b = libev(backend);
    /* Watches that are still registered belong to fibers that will never run again: forget them
       without touching libev's lists. */
    for (int fd = 0; forget && fd < b->slots_size; fd++) {
        if (!b->slots[fd].used) continue;
        while (!list_empty(&b->slots[fd].watches)) {
            struct list *node = b->slots[fd].watches.next;
            CONTAINER_OF(node, struct watch, siblings)->active = 0;
            list_remove(node);
        }
    }
    ev_loop_destroy(b->loop);
    free(b->slots);
    free(b->changed);
    free(b);
}

/* The table moves when it grows, so the heads of the lists in it are tied anew. */
static void grow_slots(struct libev_backend *b, int fd)
{
    int size = b->slots_size ? b->slots_size : 64;
    while (size <= fd) size *= 2;
    struct fd_slot *slots = calloc((size_t)size, sizeof(*slots));
    if (!slots) abort();
    for (int i = 0; i < b->slots_size; i++) {
        if (!b->slots[i].used) continue;
        slots[i] = b->slots[i];
        list_init(&slots[i].watches);
        while (!list_empty(&b->slots[i].watches)) {
            struct list *node = b->slots[i].watches.next;
            list_remove(node);
            list_append(&slots[i].watches, node);
        }
    }
    free(b->slots);
    b->slots = slots;
    b->slots_size = size;
}

static struct fd_slot *slot_for(struct libev_backend *b, int fd)
{
    if (fd >= b->slots_size) grow_slots(b, fd);
    struct fd_slot *slot = &b->slots[fd];
    if (!slot->used) {
        list_init(&slot->watches);
        slot->used = 1;
    }
    return slot;
}

static void note_change(struct libev_backend *b, struct fd_slot *slot, int fd)
{
    if (slot->changed) return;
    if (b->changed_count == b->changed_size) {
        b->changed_size = b->changed_size ? b->changed_size * 2 : 64;
        b->changed = realloc(b->changed, (size_t)b->changed_size * sizeof(*b->changed));
        if (!b->changed) abort();
    }
    b->changed[b->changed_count++] = fd;
    b->base.dirty = 1;
    slot->changed = 1;
}

static void libev_io_start(struct backend *backend, struct watch *watch, int fd, int events)
{
    struct libev_backend *b = libev(backend);
    watch->revents = 0;
    watch->wanted = 1;
    if (watch->active) return;
    struct fd_slot *slot = slot_for(b, fd);
    ev_io *io = (ev_io *)watch->impl;
    ev_io_init(io, on_io, fd,
               ((events & BACKEND_READABLE) ? EV_READ : 0) |
                   ((events & BACKEND_WRITABLE) ? EV_WRITE : 0));
    io->data = watch;
    watch->fd = fd;
    watch->events = (unsigned char)events;
    watch->active = 1;
    watch->fired = 0;
    list_append(&slot->watches, &watch->siblings);
    note_change(b, slot, fd);
    ev_io_start(b->loop, io);
    backend->active++;
}

static void libev_io_stop(struct backend *backend, struct watch *watch)
{
    struct libev_backend *b = libev(backend);
    watch->wanted = 0;
    if (!watch->active) return;
    watch->active = 0;
    ev_io_stop(b->loop, (ev_io *)watch->impl);
    backend->active--;
    list_remove(&watch->siblings);
    /* What remains on this descriptor may be registered anew with other events. */
    struct fd_slot *slot = &b->slots[watch->fd];
    if (!list_empty(&slot->watches)) note_change(b, slot, watch->fd);
}

static void libev_timer_start(struct backend *backend, struct watch *watch, double seconds)
{
    struct libev_backend *b = libev(backend);
    ev_timer *timer = (ev_timer *)watch->impl;
    /* ev_timer counts from the loop's cached time, which is as old as the last poll. */
    ev_now_update(b->loop);
    ev_timer_init(timer, on_timer, seconds, 0.);
    timer->data = watch;
    watch->active = 1;
    watch->wanted = 1;
    watch->fired = 0;
    ev_timer_start(b->loop, timer);
    backend->active++;
}

static void libev_timer_stop(struct backend *backend, struct watch *watch)
{
    if (!watch->active) return;
    watch->active = 0;
    ev_timer_stop(libev(backend)->loop, (ev_timer *)watch->impl);
    backend->active--;
}

static void check_changed(struct libev_backend *b)
{
    for (int i = 0; i < b->changed_count; i++) {
        int fd = b->changed[i];
        struct fd_slot *slot = &b->slots[fd];
        slot->changed = 0;
        if (list_empty(&slot->watches) || fcntl(fd, F_GETFD) != -1) continue;
        while (!list_empty(&slot->watches)) {
            struct watch *watch = CONTAINER_OF(slot->watches.next, struct watch, siblings);
            int wanted = watch->wanted;
            watch->active = 0;
            ev_io_stop(b->loop, (ev_io *)watch->impl);
            b->base.active--;
            list_remove(&watch->siblings);
            watch->revents = BACKEND_GONE;
            if (wanted) fire(&b->base, watch);
        }
        slot->changed = 0;
    }
    b->changed_count = 0;
}

static void libev_poll(struct backend *backend)
{
    struct libev_backend *b = libev(backend);
    backend->polls++;
    backend->dirty = 0;
    check_changed(b);
    ev_run(b->loop, EVRUN_NOWAIT);
}

static void libev_wait(struct backend *backend, double seconds)
{
    struct libev_backend *b = libev(backend);
    backend->waits++;
    if (seconds >= 0) {
        ev_now_update(b->loop);
        ev_timer_set(&b->limit, seconds, 0.);
        ev_timer_start(b->loop, &b->limit);
    }
    ev_run(b->loop, EVRUN_ONCE);
    if (seconds >= 0) ev_timer_stop(b->loop, &b->limit);
}

static void libev_wakeup(struct backend *backend)
{
    struct libev_backend *b = libev(backend);
    ev_async_send(b->loop, &b->async);
}

/* True when a call on a descriptor in blocking mode would not block. */
static int ready_now(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, 0) != 0;
}

static ssize_t libev_read(struct backend *backend, int fd, void *bytes, size_t length, int flags)
{
    ssize_t n;
    (void)backend;
    if ((flags & TRANSFER_BLOCKING) && !ready_now(fd, POLLIN)) return -EAGAIN;
    do {
        n = (flags & TRANSFER_SOCKET) ? recv(fd, bytes, length, MSG_DONTWAIT)
                                      : read(fd, bytes, length);
    } while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : n;
}

static ssize_t libev_write(struct backend *backend, int fd, const void *bytes, size_t length,
                           int flags)
{
    ssize_t n;
    (void)backend;
    if ((flags & TRANSFER_BLOCKING) && !ready_now(fd, POLLOUT)) return -EAGAIN;
    do {
        n = (flags & TRANSFER_SOCKET) ? send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                                      : write(fd, bytes, length);
    } while (n == -1 && errno == EINTR);
    return n == -1 ? -errno : n;
}

static int libev_accept(struct backend *backend, int fd)
{
    int client;
    (void)backend;
    do {
#ifdef HAVE_ACCEPT4
        client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
#else
        client = accept(fd, NULL, NULL);
        if (client != -1) {
            fcntl(client, F_SETFD, FD_CLOEXEC);
            fcntl(client, F_SETFL, fcntl(client, F_GETFL) | O_NONBLOCK);
        }
#endif
    } while (client == -1 && errno == EINTR);
    return client == -1 ? -errno : client;
}

const struct backend_ops polyphony_backend_libev = {
    .name = "libev",
    .open = libev_open,
    .close = libev_close,
    .io_start = libev_io_start,
    .io_stop = libev_io_stop,
    .timer_start = libev_timer_start,
    .timer_stop = libev_timer_stop,
    .poll = libev_poll,
    .wait = libev_wait,
    .wakeup = libev_wakeup,
    .read = libev_read,
    .write = libev_write,
    .accept = libev_accept,
};
