#include "scheduler.h"
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <ruby/debug.h>
#include <ruby/io.h>
#include <ruby/io/buffer.h>

/* The Fiber::Scheduler hooks that wait for descriptors. */

/* A look without waiting. Net::HTTP asks so before each request on a kept connection. */
static VALUE ready_now(VALUE io, int fd, int events)
{
    struct pollfd p = {.fd = fd,
                       .events = (short)(((events & BACKEND_READABLE) ? POLLIN : 0) |
                                         ((events & RUBY_IO_PRIORITY) ? POLLPRI : 0) |
                                         ((events & BACKEND_WRITABLE) ? POLLOUT : 0))};
    if (poll(&p, 1, 0) <= 0) return Qfalse;
    if (p.revents & POLLNVAL) rb_syserr_fail(EBADF, NULL);
    int ready = 0;
    if (p.revents & (POLLIN | POLLHUP | POLLERR)) ready |= events & BACKEND_READABLE;
    if (p.revents & (POLLOUT | POLLERR)) ready |= events & BACKEND_WRITABLE;
    if (p.revents & POLLPRI) ready |= events & RUBY_IO_PRIORITY;
    RB_GC_GUARD(io);
    return ready ? INT2FIX(ready) : Qfalse;
}

/*
 *  call-seq: io_wait(io, events, timeout = nil) -> Integer or false
 *
 *  Suspends until +io+ is ready for one of +events+ (IO::READABLE, IO::WRITABLE) and returns those
 *  it is ready for; false when +timeout+ seconds have passed. A timeout of 0 does not suspend.
 */
static VALUE hook_io_wait(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = hook_enter(self);
    rb_check_arity(argc, 2, 3);
    VALUE io = argv[0], timeout = argc > 2 ? argv[2] : Qnil;
    int events = NUM2INT(argv[1]);
    int fd = io_descriptor(io);
    if (NIL_P(timeout)) timeout = io_time_limit(io);
    if (!NIL_P(timeout) && scheduler_seconds(timeout, "timeout") == 0)
        return ready_now(io, fd, events);
    /* Urgent data also shows as readable to epoll's default set: no backend watches it apart. */
    int watched = events & (BACKEND_READABLE | BACKEND_WRITABLE);
    if (events & RUBY_IO_PRIORITY) watched |= BACKEND_READABLE;
    if (!watched) rb_raise(rb_eArgError, "no events to wait for");
    int ready = scheduler_wait_fd(s, io, fd, watched, timeout);
    return ready ? INT2FIX(ready) : Qfalse;
}

struct transfer {
    size_t offset, least, size;
};

/* The arguments (length, offset) that follow the buffer, in the order this Ruby passes them. */
static struct transfer transfer_arguments(int argc, VALUE *argv, size_t size)
{
    struct transfer t = {.size = size};
#if defined(RUBY_FIBER_SCHEDULER_VERSION) && RUBY_FIBER_SCHEDULER_VERSION >= 4
    VALUE offset = argv[2], length = argv[3];
#else
    VALUE length = argv[2], offset = argc > 3 ? argv[3] : INT2FIX(0);
#endif
    rb_check_arity(argc, 3, 4);
    t.least = NUM2SIZET(length);
    t.offset = NUM2SIZET(offset);
    if (t.offset > size || t.least > size - t.offset)
        rb_raise(rb_eArgError, "buffer of %" PRIuSIZE " bytes is too small", size);
    return t;
}

#if defined(RUBY_FIBER_SCHEDULER_VERSION) && RUBY_FIBER_SCHEDULER_VERSION >= 4
/* One transfer of at most `least` bytes; 0 means none. */
static inline int transfer_wants_more(const struct transfer *t, size_t total, size_t *room)
{
    *room = t->least;
    return total == 0 && t->least > 0;
}
#else
/* At least `least` bytes, at most what the buffer holds; `least` of 0 means one transfer. */
static inline int transfer_wants_more(const struct transfer *t, size_t total, size_t *room)
{
    *room = t->size - t->offset - total;
    return *room > 0 && (total == 0 || total < t->least);
}
#endif

static VALUE transfer_result(ssize_t n, size_t total)
{
    if (n < 0 && total == 0) return INT2NUM((int)n);
    return SIZET2NUM(total);
}

/*
 * IO#read_nonblock comes to this hook just like IO#readpartial, and must not wait. Nothing in the
 * arguments tells them apart, so before a wait the calling method is looked at.
 */
static int called_to_not_wait(void)
{
    VALUE frames[3];
    int lines[3];
    int n = rb_profile_frames(0, 3, frames, lines);
    for (int i = 0; i < n; i++) {
        VALUE name = rb_profile_frame_method_name(frames[i]);
        if (RB_TYPE_P(name, T_STRING) && strcmp(RSTRING_PTR(name), "read_nonblock") == 0) {
            VALUE path = rb_profile_frame_path(frames[i]);
            return RB_TYPE_P(path, T_STRING) && strncmp(RSTRING_PTR(path), "<internal:", 10) == 0;
        }
    }
    return 0;
}

/*
 *  call-seq: io_read(io, buffer, length[, offset]) -> Integer
 *
 *  Reads at least +length+ bytes (0: what one read gives) into the IO::Buffer, suspending until
 *  they came. Returns the number of bytes, 0 at the end, or a negative errno.
 */
static VALUE hook_io_read(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = hook_enter(self);
    void *base;
    size_t size, total = 0, room;
    ssize_t n = 0;
    rb_check_arity(argc, 3, 4);
    rb_io_buffer_get_bytes_for_writing(argv[1], &base, &size);
    struct transfer t = transfer_arguments(argc, argv, size);
    int fd = io_descriptor(argv[0]);
    int flags = io_transfer_flags(argv[0], fd);
    while (transfer_wants_more(&t, total, &room)) {
        char *bytes = (char *)base + t.offset + total;
        n = s->backend->ops->read(s->backend, fd, bytes, room, flags);
        if (n == -EAGAIN && !(t.least == 0 && called_to_not_wait()))
            n = scheduler_read_fd(s, argv[0], fd, bytes, room, flags);
        if (n <= 0) break;
        total += (size_t)n;
    }
    return transfer_result(n, total);
}

#ifdef HAVE_USABLE_IO_WRITE_HOOK
/*
 *  call-seq: io_write(io, buffer, length[, offset]) -> Integer
 *
 *  Writes at least +length+ bytes (0: what one write takes) from the IO::Buffer, suspending while
 *  +io+ takes none. Returns the number of bytes or a negative errno.
 */
static VALUE hook_io_write(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = hook_enter(self);
    const void *base;
    size_t size, total = 0, room;
    ssize_t n = 0;
    rb_check_arity(argc, 3, 4);
    rb_io_buffer_get_bytes_for_reading(argv[1], &base, &size);
    struct transfer t = transfer_arguments(argc, argv, size);
    int fd = io_descriptor(argv[0]);
    int flags = io_transfer_flags(argv[0], fd);
    while (transfer_wants_more(&t, total, &room)) {
        n = scheduler_write_fd(s, argv[0], fd, (const char *)base + t.offset + total, room, flags);
        if (n <= 0) break;
        total += (size_t)n;
    }
    return transfer_result(n, total);
}
#endif

#ifdef HAVE_RB_FIBER_SCHEDULER_IO_SELECTV
/* --- io_select: a watch for each descriptor, one waiter for all --- */

struct select_entry {
    struct watch watch;
    struct select *select;
    VALUE io;
    int list;
};

struct select {
    struct scheduler *s;
    struct waiter w;
    struct select_entry *entries;
    long count;
};

static void select_fired(struct watch *watch)
{
    struct select *select = CONTAINER_OF(watch, struct select_entry, watch)->select;
    select->w.woken = 1;
    scheduler_wake(select->s, &select->w);
}

static VALUE select_wait(VALUE pointer)
{
    struct select *select = (struct select *)pointer;
    struct scheduler *s = select->s;
    for (long i = 0; i < select->count; i++) {
        struct select_entry *e = &select->entries[i];
        s->backend->ops->io_start(s->backend, &e->watch, io_descriptor(e->io),
                                  e->list == 1 ? BACKEND_WRITABLE : BACKEND_READABLE);
    }
    scheduler_suspend(s, &select->w);
    return Qnil;
}

static VALUE select_end(VALUE pointer)
{
    struct select *select = (struct select *)pointer;
    for (long i = 0; i < select->count; i++)
        select->s->backend->ops->io_stop(select->s->backend, &select->entries[i].watch);
    return Qnil;
}

static long array_length(VALUE array)
{
    return NIL_P(array) ? 0 : RARRAY_LEN(array);
}

static VALUE select_collect(VALUE lists[3], struct select_entry *entries, long count, int probe)
{
    VALUE result = rb_ary_new_from_args(3, rb_ary_new(), rb_ary_new(), rb_ary_new());
    long found = 0, k = 0;
    for (int list = 0; list < 3; list++) {
        for (long i = 0; i < array_length(lists[list]) && k < count; i++, k++) {
            VALUE io = RARRAY_AREF(lists[list], i), real = entries[k].io;
            int ready;
            if (list == 0 && io_buffered(real) > 0)
                ready = 1;
            else if (probe)
                ready = list == 2 ? 0
                                  : RTEST(ready_now(real, io_descriptor(real),
                                                    list ? BACKEND_WRITABLE : BACKEND_READABLE));
            else
                ready = entries[k].watch.revents;
            if (!ready) continue;
            rb_ary_push(RARRAY_AREF(result, list), io);
            found++;
        }
    }
    return found ? result : Qnil;
}

/*
 *  call-seq: io_select(readables, writables = nil, exceptables = nil, timeout = nil) -> Array or
 * nil
 *
 *  The hook of IO.select: suspends until one of the IOs is ready; nil when +timeout+ seconds have
 *  passed. +exceptables+ are checked to be open and never reported.
 */
static VALUE hook_io_select(int argc, VALUE *argv, VALUE self)
{
    struct select select = {.s = hook_enter(self)};
    VALUE lists[3] = {Qnil, Qnil, Qnil}, timeout = Qnil, store;
    rb_check_arity(argc, 1, 4);
    for (int i = 0; i < 3 && i < argc; i++) {
        if (NIL_P(argv[i])) continue;
        lists[i] = rb_ary_dup(rb_convert_type(argv[i], T_ARRAY, "Array", "to_ary"));
        select.count += RARRAY_LEN(lists[i]);
    }
    if (argc > 3) timeout = argv[3];
    double seconds = scheduler_seconds(timeout, "time interval");
    select.entries =
        rb_alloc_tmp_buffer(&store, (select.count + 1) * (long)sizeof(*select.entries));
    memset(select.entries, 0, (size_t)(select.count + 1) * sizeof(*select.entries));
    VALUE reals = rb_ary_new_capa(select.count);
    long k = 0;
    for (int list = 0; list < 3; list++) {
        for (long i = 0; i < array_length(lists[list]); i++, k++) {
            VALUE io = rb_io_get_io(RARRAY_AREF(lists[list], i));
            if (list == 1) io = rb_io_get_write_io(io);
            io_descriptor(io);
            rb_ary_push(reals, io);
            select.entries[k] = (struct select_entry){
                .select = &select, .io = io, .list = list, .watch.on_fire = select_fired};
        }
    }
    VALUE result = select_collect(lists, select.entries, select.count, 1);
    if (NIL_P(result) && seconds > 0) {
        waiter_init(&select.w, WAITER_SELECT, Qnil);
        waiter_set_timeout(select.s, &select.w, timeout);
        rb_ensure(select_wait, (VALUE)&select, select_end, (VALUE)&select);
        for (long i = 0; i < select.count; i++) io_descriptor(select.entries[i].io);
        result = select_collect(lists, select.entries, select.count, 0);
    }
    rb_free_tmp_buffer(&store);
    RB_GC_GUARD(reals);
    return result;
}
#endif

#if defined(HAVE_RB_FIBER_SCHEDULER_IO_CLOSE) && defined(HAVE_RB_FIBER_SCHEDULER_FIBER_INTERRUPT)
/*
 *  call-seq: io_close(descriptor) -> true
 *
 *  From Ruby 4.0 on, where it passes a descriptor: wakes who waits for it, then closes it.
 */
static VALUE hook_io_close(VALUE self, VALUE descriptor)
{
    struct scheduler *s = hook_enter(self);
    int fd = NUM2INT(descriptor);
    struct list *node = s->io_waiting.next;
    while (node != &s->io_waiting) {
        struct waiter *w = CONTAINER_OF(node, struct waiter, link);
        node = node->next;
        if (w->watch.fd != fd) continue;
        w->watch.revents = BACKEND_GONE;
        w->woken = 1;
        s->backend->ops->io_stop(s->backend, &w->watch);
        scheduler_wake(s, w);
    }
    if (close(fd) == -1) rb_sys_fail("close");
    return Qtrue;
}
#endif

void Init_polyphony_hooks_io(VALUE scheduler)
{
    rb_define_method(scheduler, "io_wait", hook_io_wait, -1);
    rb_define_method(scheduler, "io_read", hook_io_read, -1);
#ifdef HAVE_USABLE_IO_WRITE_HOOK
    rb_define_method(scheduler, "io_write", hook_io_write, -1);
#endif
#ifdef HAVE_RB_FIBER_SCHEDULER_IO_SELECTV
    rb_define_method(scheduler, "io_select", hook_io_select, -1);
#endif
#if defined(HAVE_RB_FIBER_SCHEDULER_IO_CLOSE) && defined(HAVE_RB_FIBER_SCHEDULER_FIBER_INTERRUPT)
    rb_define_method(scheduler, "io_close", hook_io_close, 1);
#endif
}
