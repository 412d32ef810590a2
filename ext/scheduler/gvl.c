#include "gvl.h"
#include <ruby.h>
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

int gvl_wait_fd(int fd, int events, double seconds)
{
    struct poll_arguments arguments = {.milliseconds = isinf(seconds) ? -1 : (int)(seconds * 1000)};
    arguments.pollfd.fd = fd;
    arguments.pollfd.events = (short)(((events & BACKEND_READABLE) ? POLLIN : 0) |
                                      ((events & BACKEND_WRITABLE) ? POLLOUT : 0));
    rb_nogvl(poll_without_gvl, &arguments, RUBY_UBF_IO, NULL, RB_NOGVL_INTR_FAIL);
    return arguments.pollfd.revents ? events : 0;
}
