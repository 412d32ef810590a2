#include "gvl.h"
#include "scheduler.h"
#include <ruby/thread.h>
#include <math.h>
#include <poll.h>

/* The only file that releases the GVL or defines an unblock function. */

struct wait_arguments {
    struct backend *backend;
    double seconds;
};

static void *wait_without_gvl(void *pointer)
{
    struct wait_arguments *arguments = pointer;
    arguments->backend->ops->wait(arguments->backend, arguments->seconds);
    return NULL;
}

static void unblock_wait(void *pointer)
{
    struct backend *backend = pointer;
    backend->ops->wakeup(backend);
}

/*
 * RB_NOGVL_INTR_FAIL: with an interrupt pending the wait is not entered at all, and none is
 * executed inside; the scheduler looks for interrupts itself, where it can say who gets them.
 * RB_NOGVL_UBF_ASYNC_SAFE: without it Ruby 3.1 starts a thread to call the unblock function in a
 * single-threaded process and joins it afterwards, which would call our own block hook from here.
 */
void gvl_backend_wait(struct backend *backend, double seconds)
{
    struct wait_arguments arguments = {backend, seconds};
    rb_nogvl(wait_without_gvl, &arguments, unblock_wait, backend,
             RB_NOGVL_INTR_FAIL | RB_NOGVL_UBF_ASYNC_SAFE);
}

struct poll_arguments {
    struct pollfd pollfd;
    int milliseconds;
};

static void *poll_without_gvl(void *pointer)
{
    struct poll_arguments *arguments = pointer;
    poll(&arguments->pollfd, 1, arguments->milliseconds);
    return NULL;
}

/* Interrupts are served meanwhile; they end the wait only by an exception. */
int gvl_wait_fd(int fd, int events, double seconds)
{
    double deadline = scheduler_now() + seconds;
    struct poll_arguments arguments = {.milliseconds = -1};
    arguments.pollfd.fd = fd;
    arguments.pollfd.events = (short)(((events & BACKEND_READABLE) ? POLLIN : 0) |
                                      ((events & BACKEND_WRITABLE) ? POLLOUT : 0));
    for (;;) {
        double left = deadline - scheduler_now();
        if (left < 0) return 0;
        if (!isinf(seconds)) arguments.milliseconds = left > 1000 ? 1000 : (int)(left * 1000) + 1;
        rb_nogvl(poll_without_gvl, &arguments, RUBY_UBF_IO, NULL, 0);
        if (arguments.pollfd.revents) return events;
    }
}
