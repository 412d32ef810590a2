#include "scheduler.h"
#include <errno.h>
#include <limits.h>
#include <ruby/io.h>
#include <sys/uio.h>

/*
 * Polyphony::Backend, what Thread#backend returns: the operations themselves, without the detour
 * over IO's methods and hooks. It has no state of its own; the scheduler of the running thread
 * does the work, and one is installed where there is none.
 */

static long check_length(VALUE length)
{
    long n = NUM2LONG(length);
    if (n < 0) rb_raise(rb_eArgError, "negative length %ld given", n);
    return n;
}

/* What Ruby has read ahead comes first; IO#readpartial gives just that, without a system call. */
static VALUE take_buffered(VALUE io, long max, VALUE buffer)
{
    return NIL_P(buffer) ? rb_funcall(io, rb_intern("readpartial"), 1, LONG2NUM(max))
                         : rb_funcall(io, rb_intern("readpartial"), 2, LONG2NUM(max), buffer);
}

static VALUE unlock_string(VALUE string)
{
    return rb_str_unlocktmp(string);
}

struct read_arguments {
    struct scheduler *s;
    VALUE io, buffer;
    long length;
    ssize_t got;
};

static VALUE read_body(VALUE pointer)
{
    struct read_arguments *r = (struct read_arguments *)pointer;
    int fd = io_descriptor(r->io);
    int flags = io_transfer_flags(r->io, fd);
    struct backend *backend = r->s->backend;
    void *bytes = RSTRING_PTR(r->buffer);
    r->got = backend->ops->read(backend, fd, bytes, (size_t)r->length, flags);
    if (r->got == -EAGAIN)
        r->got = scheduler_read_fd(r->s, r->io, fd, bytes, (size_t)r->length, flags);
    return Qnil;
}

/*
 *  call-seq: read(io, buffer = nil, length = 8192) -> String or nil
 *
 *  Reads what is there, at most +length+ bytes, into +buffer+ (replacing what it holds) or a new
 *  String; nil at the end. Suspends while there is nothing.
 */
static VALUE backend_read(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = scheduler_current_install();
    (void)self;
    rb_check_arity(argc, 1, 3);
    VALUE io = rb_io_get_io(argv[0]);
    VALUE buffer = argc > 1 ? argv[1] : Qnil;
    long length = argc > 2 && !NIL_P(argv[2]) ? check_length(argv[2]) : 8192;
    if (!NIL_P(buffer)) {
        StringValue(buffer);
        rb_str_modify(buffer);
    }
    io_descriptor(io);
    if (io_buffered(io) > 0) return take_buffered(io, length, buffer);
    if (NIL_P(buffer)) {
        buffer = rb_str_buf_new(length);
    } else {
        rb_str_set_len(buffer, 0); /* which keeps its memory */
        if ((long)rb_str_capacity(buffer) < length) rb_str_modify_expand(buffer, length);
    }
    if (length == 0) return buffer;
    struct read_arguments r = {s, io, buffer, length, 0};
    rb_str_locktmp(buffer);
    rb_ensure(read_body, (VALUE)&r, unlock_string, buffer);
    if (r.got < 0) rb_syserr_fail((int)-r.got, NULL);
    if (r.got == 0) return Qnil;
    rb_str_set_len(buffer, r.got);
    return buffer;
}

#define VECTOR_MAX 64

/* The part of the vector behind `done` bytes. */
static int vector_skip(struct iovec *vector, int count, size_t done)
{
    int i = 0;
    while (i < count && done >= vector[i].iov_len) done -= vector[i++].iov_len;
    if (i == count) return 0;
    memmove(vector, vector + i, (size_t)(count - i) * sizeof(*vector));
    vector[0].iov_base = (char *)vector[0].iov_base + done;
    vector[0].iov_len -= done;
    return count - i;
}

static void write_vector(struct scheduler *s, VALUE io, int fd, int flags, struct iovec *vector,
                         int count)
{
    while (count > 0) {
        ssize_t n;
        if (count == 1 || (flags & TRANSFER_BLOCKING)) {
            n = scheduler_write_fd(s, io, fd, vector[0].iov_base, vector[0].iov_len, flags);
        } else {
            n = writev(fd, vector, count);
            if (n == -1) n = -errno;
            if (n == -EINTR) continue;
            if (n == -EAGAIN) {
                scheduler_wait_fd(s, io, fd, BACKEND_WRITABLE, Qnil);
                if (io_is_closed(io, fd)) rb_raise(rb_eIOError, "stream closed in another thread");
                continue;
            }
        }
        if (n < 0) rb_syserr_fail((int)-n, NULL);
        count = vector_skip(vector, count, (size_t)n);
    }
}

/*
 *  call-seq: write(io, *strings) -> Integer
 *
 *  Writes all of the strings, several of them with one system call. Returns the number of bytes;
 *  suspends while +io+ takes none.
 */
static VALUE backend_write(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = scheduler_current_install();
    size_t total = 0;
    (void)self;
    rb_check_arity(argc, 1, UNLIMITED_ARGUMENTS);
    VALUE io = io_writer(argv[0]);
    int fd = io_descriptor(io);
    if (io_flush(io)) fd = io_descriptor(io); /* it has waited, and may be closed now */
    int flags = io_transfer_flags(io, fd);
    for (int first = 1; first < argc; first += VECTOR_MAX) {
        struct iovec vector[VECTOR_MAX];
        VALUE strings[VECTOR_MAX]; /* frozen copies share the bytes: nobody can change them */
        int count = 0;
        for (int i = first; i < argc && i < first + VECTOR_MAX; i++) {
            VALUE string = rb_str_new_frozen(rb_obj_as_string(argv[i]));
            if (RSTRING_LEN(string) == 0) continue;
            strings[count] = string;
            vector[count].iov_base = RSTRING_PTR(string);
            vector[count++].iov_len = (size_t)RSTRING_LEN(string);
            total += (size_t)RSTRING_LEN(string);
        }
        write_vector(s, io, fd, flags, vector, count);
        for (int i = 0; i < count; i++) RB_GC_GUARD(strings[i]);
    }
    return SIZET2NUM(total);
}

/*
 *  call-seq: write_now(io, data) -> String, Array or nil
 *
 *  Writes as much of the String +data+ as +io+, a socket, takes without waiting, and returns what is
 *  left, nil when that is nothing. Never suspends, and keeps nothing of +data+, which may be a buffer
 *  that is used again at once. nil and an Array come back as they are.
 */
static VALUE backend_write_now(VALUE self, VALUE io, VALUE data)
{
    struct scheduler *s = scheduler_current_install();
    (void)self;
    if (!RB_TYPE_P(data, T_STRING)) return data;
    io = io_writer(io);
    int fd = io_descriptor(io), flags = io_transfer_flags(io, fd);
    if (!(flags & TRANSFER_SOCKET) || io_unflushed(io)) 
        return rb_obj_freeze(rb_str_new(RSTRING_PTR(data), RSTRING_LEN(data)));
    long size = RSTRING_LEN(data);
    ssize_t n = s->backend->ops->write(s->backend, fd, RSTRING_PTR(data), (size_t)size, flags);
    if (n == size) return Qnil;
    if (n == -EAGAIN || n == -EWOULDBLOCK) n = 0;
    if (n < 0) rb_syserr_fail((int)-n, NULL);
    VALUE rest = rb_obj_freeze(rb_str_new(RSTRING_PTR(data) + n, size - n));
    RB_GC_GUARD(data);
    return rest;
}

/*
 *  call-seq: wait_io(io, write = false, timeout = nil) -> io or nil
 *
 *  Suspends until +io+ is readable (or writable); nil when +timeout+ seconds have passed.
 */
static VALUE backend_wait_io(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = scheduler_current_install();
    (void)self;
    rb_check_arity(argc, 1, 3);
    int writing = argc > 1 && RTEST(argv[1]);
    VALUE io = writing ? io_writer(argv[0]) : rb_io_get_io(argv[0]);
    int fd = io_descriptor(io);
    if (!writing && io_buffered(io) > 0) return argv[0];
    int events = writing ? BACKEND_WRITABLE : BACKEND_READABLE;
    return scheduler_wait_fd(s, io, fd, events, argc > 2 ? argv[2] : Qnil) ? argv[0] : Qnil;
}

/* call-seq: sleep(seconds = nil) -> nil: suspends for +seconds+, without them for ever. */
static VALUE backend_sleep(int argc, VALUE *argv, VALUE self)
{
    (void)self;
    rb_check_arity(argc, 0, 1);
    rb_funcallv(scheduler_current_install()->self, rb_intern("kernel_sleep"), argc, argv);
    return Qnil;
}

/* call-seq: waitpid(pid) -> [pid, status]: suspends until the child has ended. */
static VALUE backend_waitpid(VALUE self, VALUE pid)
{
    (void)self;
    VALUE status = rb_funcall(scheduler_current_install()->self, rb_intern("process_wait"), 2, pid,
                              INT2FIX(0));
    if (NIL_P(status)) rb_syserr_fail(ECHILD, NULL);
    VALUE reaped = rb_funcall(status, rb_intern("pid"), 0);
    if (NUM2LONG(reaped) <= 0) rb_syserr_fail(ECHILD, NULL);
    return rb_assoc_new(reaped, status);
}

/* call-seq: snooze -> nil: lets every other runnable fiber run once. */
static VALUE backend_snooze(VALUE self)
{
    (void)self;
    scheduler_snooze(scheduler_current_install());
    return Qnil;
}

/* @return [Hash{Symbol => Object}] see Scheduler#stats */
static VALUE backend_stats(VALUE self)
{
    (void)self;
    return rb_funcall(scheduler_current_install()->self, rb_intern("stats"), 0);
}

/* @return [Symbol] :libev */
static VALUE backend_kind(VALUE self)
{
    (void)self;
    return ID2SYM(rb_intern(scheduler_current_install()->backend->ops->name));
}

void Init_polyphony_backend_class(VALUE polyphony)
{
    VALUE backend = rb_define_class_under(polyphony, "Backend", rb_cObject);
    rb_define_method(backend, "read", backend_read, -1);
    rb_define_method(backend, "write", backend_write, -1);
    rb_define_method(backend, "write_now", backend_write_now, 2);
    rb_define_method(backend, "wait_io", backend_wait_io, -1);
    rb_define_method(backend, "sleep", backend_sleep, -1);
    rb_define_method(backend, "waitpid", backend_waitpid, 1);
    rb_define_method(backend, "snooze", backend_snooze, 0);
    rb_define_method(backend, "stats", backend_stats, 0);
    rb_define_method(backend, "kind", backend_kind, 0);
    Init_polyphony_backend_loops(backend);
    Init_polyphony_backend_files(backend);
}
