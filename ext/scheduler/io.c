#include "scheduler.h"
#include "gvl.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <ruby/io.h>
#include <sys/stat.h>

/* What Ruby knows of an IO, and waiting for one. */

/* Ruby 3.3 marks rb_io_t's members as deprecated "with no replacement", and has none: not for what
   is buffered, and not for a closed IO that must be told from one that was reopened. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static VALUE io_object(VALUE io)
{
    if (RB_TYPE_P(io, T_FILE)) return io;
    return rb_convert_type(io, T_FILE, "IO", "to_io");
}

int io_descriptor(VALUE io)
{
    return rb_io_descriptor(io_object(io));
}

/* Closed since a wait for `fd` began? A reopened IO counts: its waiter is on a dead number. */
int io_is_closed(VALUE io, int fd)
{
    if (!RB_TYPE_P(io, T_FILE)) return 0;
    const rb_io_t *fptr = RFILE(io)->fptr;
    return !fptr || fptr->fd != fd;
}

VALUE io_writer(VALUE io)
{
    return rb_io_get_write_io(io_object(io));
}

/* Bytes that Ruby has read ahead. */
long io_buffered(VALUE io)
{
    const rb_io_t *fptr = RFILE(io)->fptr;
    return fptr ? fptr->rbuf.len + fptr->cbuf.len : 0;
}

/* Whether IO#write has buffered bytes that would have to go first. */
int io_unflushed(VALUE io)
{
    return RFILE(io)->fptr->wbuf.len > 0;
}

/* Hands what IO#write has buffered to the system, before bytes that go past that buffer. Returns
   whether there was any. */
int io_flush(VALUE io)
{
    if (RB_LIKELY(RFILE(io)->fptr->wbuf.len == 0)) return 0;
    rb_io_flush(io);
    return 1;
}

void io_set_nonblock(VALUE io)
{
    rb_io_set_nonblock(RFILE(io)->fptr);
}

static int io_is_socket(VALUE io)
{
    static VALUE basic_socket = 0;
    if (RB_UNLIKELY(!basic_socket)) {
        ID name = rb_intern("BasicSocket");
        if (!rb_const_defined(rb_cObject, name)) return 0;
        VALUE class = rb_const_get(rb_cObject, name);
        rb_gc_register_mark_object(class);
        basic_socket = class;
    }
    return RTEST(rb_obj_is_kind_of(io, basic_socket));
}

int io_transfer_flags(VALUE io, int fd)
{
    if (io_is_socket(io)) return TRANSFER_SOCKET;
    int flags = fcntl(fd, F_GETFL);
    return flags != -1 && !(flags & O_NONBLOCK) ? TRANSFER_BLOCKING : 0;
}

/* IO#timeout, or nil. */
VALUE io_time_limit(VALUE io)
{
#ifdef HAVE_RB_IO_TIMEOUT
    return RB_TYPE_P(io, T_FILE) ? rb_io_timeout(io) : Qnil;
#else
    (void)io;
    return Qnil;
#endif
}

/* Waits until the descriptor is ready; the events, or 0 when the time is up. */
int scheduler_wait_fd(struct scheduler *s, VALUE io, int fd, int events, VALUE timeout)
{
    struct waiter w;
    if (RB_UNLIKELY(s->observing)) /* a tracer prints: it cannot be suspended */
        return gvl_wait_fd(fd, events, scheduler_seconds(timeout, "time interval"));
    waiter_init(&w, WAITER_IO, io);
    waiter_set_timeout(s, &w, timeout);
    waiter_watch(s, &w, fd, events);
    scheduler_suspend(s, &w);
    return w.watch.revents & (BACKEND_READABLE | BACKEND_WRITABLE);
}

static void wait_to_transfer(struct scheduler *s, VALUE io, int fd, int events)
{
    VALUE limit = io_time_limit(io);
    if (!scheduler_wait_fd(s, io, fd, events, limit) && !NIL_P(limit))
        rb_raise(rb_path2class("IO::TimeoutError"), "Blocking operation timed out!");
    if (io_is_closed(io, fd)) rb_raise(rb_eIOError, "stream closed in another thread");
}

ssize_t scheduler_read_fd(struct scheduler *s, VALUE io, int fd, void *bytes, size_t n, int flags)
{
    for (;;) {
        wait_to_transfer(s, io, fd, BACKEND_READABLE);
        ssize_t got = s->backend->ops->read(s->backend, fd, bytes, n, flags);
        if (got != -EAGAIN && got != -EWOULDBLOCK) return got;
    }
}

/* A write to a blocking pipe that has room for less waits inside the system call. */
#define BLOCKING_WRITE_MAX 4096 /* PIPE_BUF: what `ready for writing` promises of a pipe */

static int is_regular_file(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

ssize_t scheduler_write_fd(struct scheduler *s, VALUE io, int fd, const void *bytes, size_t n,
                           int flags)
{
    if ((flags & TRANSFER_BLOCKING) && n > BLOCKING_WRITE_MAX && !is_regular_file(fd))
        n = BLOCKING_WRITE_MAX;
    for (;;) {
        ssize_t put = s->backend->ops->write(s->backend, fd, bytes, n, flags);
        if (put != -EAGAIN && put != -EWOULDBLOCK) return put;
        wait_to_transfer(s, io, fd, BACKEND_WRITABLE);
    }
}
