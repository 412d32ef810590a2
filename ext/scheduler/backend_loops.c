#include "scheduler.h"
#include <errno.h>
#include <ruby/encoding.h>
#include <ruby/io.h>

/*
 * The tight loops: the descriptor stays registered from the first round to the last, so that a
 * round costs one read (or accept) and its share of a poll, and allocates nothing but the data.
 */

struct loop {
    struct scheduler *s;
    struct backend *backend; /* where the watch is registered: another one after a fork */
    struct waiter w;
    VALUE io, receiver;
    ID method; /* feed_loop: sent to receiver; else the block is called */
    VALUE buffer; /* feed_loop: a String to be used again and again; or 0 */
    long max;
    int fd, flags;
};

/* A forked child has a new backend, which knows nothing of the watch. */
static void loop_follow_backend(struct loop *loop)
{
    if (loop->backend == loop->s->backend) return;
    loop->w.watch.active = 0;
    loop->backend = loop->s->backend;
}

/* Waits with the registration kept. */
static void loop_wait(struct loop *loop)
{
    loop->w.kind = WAITER_IO;
    loop->w.state = WAITER_WAITING;
    loop->w.subject = loop->io;
    loop->w.woken = loop->w.cut = 0;
    loop_follow_backend(loop);
    loop->s->backend->ops->io_start(loop->s->backend, &loop->w.watch, loop->fd, BACKEND_READABLE);
    scheduler_suspend(loop->s, &loop->w);
    if (io_is_closed(loop->io, loop->fd)) rb_raise(rb_eIOError, "stream closed in another thread");
}

static VALUE loop_end(VALUE pointer)
{
    struct loop *loop = (struct loop *)pointer;
    loop_follow_backend(loop);
    loop->s->backend->ops->io_stop(loop->s->backend, &loop->w.watch);
    return Qnil;
}

static void loop_open(struct loop *loop, VALUE io)
{
    loop->s = scheduler_current_install();
    loop->backend = loop->s->backend;
    loop->io = rb_io_get_io(io);
    loop->fd = io_descriptor(loop->io);
    loop->flags = io_transfer_flags(loop->io, loop->fd);
    waiter_init(&loop->w, WAITER_IO, loop->io);
    loop->w.keep_watch = 1;
}

static void loop_leave_nested(struct loop *loop)
{
    /* The stack of a nested fiber (an Enumerator over this loop) may be dropped while the block
       keeps it suspended: leave nothing registered on it. */
    if (loop->s->current->fiber != rb_fiber_current()) loop_end((VALUE)loop);
}

/* The block may have closed the IO, or forked. Returns false when it is closed. */
static int loop_goes_on(struct loop *loop)
{
    scheduler_check(loop->s);
    return !io_is_closed(loop->io, loop->fd);
}

/* Hands over a piece. Returns false when the block has closed the IO. */
static int loop_deliver(struct loop *loop, VALUE data)
{
    loop_leave_nested(loop);
    if (loop->method)
        rb_funcallv(loop->receiver, loop->method, 1, &data);
    else
        rb_yield(data);
    return loop_goes_on(loop);
}

/* Into the caller's String, with room for `max` bytes: no object is made. */
static ssize_t read_into_buffer(struct loop *loop)
{
    struct backend *backend = loop->s->backend;
    VALUE buffer = loop->buffer;
    rb_str_modify(buffer);
    rb_str_set_len(buffer, 0); /* which keeps its memory */
    if ((long)rb_str_capacity(buffer) < loop->max) rb_str_modify_expand(buffer, loop->max);
    ssize_t n = backend->ops->read(backend, loop->fd, RSTRING_PTR(buffer), (size_t)loop->max,
                                   loop->flags);
    ENC_CODERANGE_CLEAR(buffer);
    if (n > 0) rb_str_set_len(buffer, n);
    return n;
}

static void reserve_scratch(struct scheduler *s, size_t size)
{
    if (s->scratch_size >= size) return;
    char *scratch = xrealloc(s->scratch, size);
    s->scratch = scratch;
    s->scratch_size = size;
}

/* Read where the length need not be known beforehand, then make a String of the right size: for
   requests of some hundred bytes a copy is cheaper than a large buffer each. No other fiber runs in
   between, so the scheduler has one such place for all. */
static ssize_t read_into_scratch(struct loop *loop)
{
    struct scheduler *s = loop->s;
    reserve_scratch(s, (size_t)loop->max);
    return s->backend->ops->read(s->backend, loop->fd, s->scratch, (size_t)loop->max, loop->flags);
}

static VALUE read_loop_body(VALUE pointer)
{
    struct loop *loop = (struct loop *)pointer;
    struct scheduler *s = loop->s;
    while (io_buffered(loop->io) > 0)
        if (!loop_deliver(loop,
                          rb_funcall(loop->io, rb_intern("readpartial"), 1, LONG2NUM(loop->max))))
            return Qnil;
    for (int drained = 0;;) {
        /* Less came than there was room for: the next read would find nothing, and cost a call. */
        if (drained) loop_wait(loop);
        drained = 0;
        ssize_t n = loop->buffer ? read_into_buffer(loop) : read_into_scratch(loop);
        if (n == -EAGAIN || n == -EWOULDBLOCK) {
            loop_wait(loop);
            continue;
        }
        if (n < 0) rb_syserr_fail((int)-n, NULL);
        if (n == 0) return Qnil;
        drained = n < loop->max;
        if (!loop_deliver(loop, loop->buffer ? loop->buffer : rb_str_new(s->scratch, n)))
            return Qnil;
    }
}

static VALUE run_read_loop(struct loop *loop, VALUE io, VALUE max)
{
    loop->max = NIL_P(max) ? 8192 : NUM2LONG(max);
    if (loop->max <= 0) rb_raise(rb_eArgError, "maximum must be positive");
    loop_open(loop, io);
    return rb_ensure(read_loop_body, (VALUE)loop, loop_end, (VALUE)loop);
}

/*
 *  call-seq: read_loop(io, max = 8192) { |data| … } -> nil
 *
 *  Yields what comes in, at most +max+ bytes at a time, until the end of the stream or until the
 *  block closes +io+. Suspends between rounds.
 */
static VALUE backend_read_loop(int argc, VALUE *argv, VALUE self)
{
    struct loop loop = {0};
    (void)self;
    rb_check_arity(argc, 1, 2);
    rb_need_block();
    return run_read_loop(&loop, argv[0], argc > 1 ? argv[1] : Qnil);
}

/*
 *  call-seq: feed_loop(io, receiver, method = :call, max = 8192, buffer = nil) -> nil
 *
 *  As #read_loop, handing each piece to +receiver+'s +method+: no block between socket and parser.
 *  With +buffer+, a String, each piece is read into that one: +receiver+ takes what it needs of it
 *  before anything else, and one buffer may serve all loops of a thread.
 */
static VALUE backend_feed_loop(int argc, VALUE *argv, VALUE self)
{
    struct loop loop = {0};
    (void)self;
    rb_check_arity(argc, 2, 5);
    loop.receiver = argv[1];
    loop.method = argc > 2 && !NIL_P(argv[2]) ? rb_to_id(argv[2]) : rb_intern("call");
    if (argc > 4 && !NIL_P(argv[4])) loop.buffer = rb_str_to_str(argv[4]);
    return run_read_loop(&loop, argv[0], argc > 3 ? argv[3] : Qnil);
}

static VALUE ready_loop_body(VALUE pointer)
{
    struct loop *loop = (struct loop *)pointer;
    do {
        if (io_buffered(loop->io) == 0) loop_wait(loop);
        loop_leave_nested(loop);
        if (!RTEST(rb_funcallv(loop->receiver, loop->method, 0, NULL))) break;
    } while (loop_goes_on(loop));
    return Qnil;
}

/*
 *  call-seq: ready_loop(io, receiver, method = :call) -> nil
 *
 *  Calls +receiver+'s +method+, which is to read, as often as there is something to be read, until
 *  it returns false or nil, or closes +io+. Suspends between rounds.
 */
static VALUE backend_ready_loop(int argc, VALUE *argv, VALUE self)
{
    struct loop loop = {0};
    (void)self;
    rb_check_arity(argc, 2, 3);
    loop.receiver = argv[1];
    loop.method = argc > 2 && !NIL_P(argv[2]) ? rb_to_id(argv[2]) : rb_intern("call");
    loop_open(&loop, argv[0]);
    return rb_ensure(ready_loop_body, (VALUE)&loop, loop_end, (VALUE)&loop);
}

/* --- accept --- */

static VALUE client_class(VALUE server)
{
    VALUE tcp = rb_path2class("TCPServer"), unix_server = Qnil;
    if (RTEST(rb_obj_is_kind_of(server, tcp))) return rb_path2class("TCPSocket");
    if (rb_const_defined(rb_cObject, rb_intern("UNIXServer")))
        unix_server = rb_path2class("UNIXServer");
    if (!NIL_P(unix_server) && RTEST(rb_obj_is_kind_of(server, unix_server)))
        return rb_path2class("UNIXSocket");
    return rb_path2class("Socket");
}

static void accept_open(struct loop *loop, VALUE server)
{
    loop_open(loop, server);
    if (!(loop->flags & TRANSFER_SOCKET))
        rb_raise(rb_eTypeError, "no server socket: %" PRIsVALUE, rb_obj_class(server));
    /* As accept_nonblock does: somebody else may take the connection the poll saw. */
    io_set_nonblock(loop->io);
}

/* A connection that was gone before it was taken is no error of the server's. */
static int accept_again(int error)
{
    return error == ECONNABORTED || error == EPROTO || error == EPERM;
}

static int accept_one(struct loop *loop)
{
    struct backend *backend = loop->s->backend;
    for (;;) {
        int client = backend->ops->accept(backend, loop->fd);
        if (client >= 0) return client;
        if (client == -EAGAIN || client == -EWOULDBLOCK)
            loop_wait(loop);
        else if (!accept_again(-client))
            rb_syserr_fail(-client, "accept(2)");
        backend = loop->s->backend;
    }
}

static VALUE accept_body(VALUE pointer)
{
    struct loop *loop = (struct loop *)pointer;
    return rb_funcall(loop->receiver, rb_intern("for_fd"), 1, INT2NUM(accept_one(loop)));
}

static VALUE accept_loop_body(VALUE pointer)
{
    struct loop *loop = (struct loop *)pointer;
    for (;;) {
        int client = accept_one(loop);
        VALUE socket = rb_funcall(loop->receiver, rb_intern("for_fd"), 1, INT2NUM(client));
        if (!loop_deliver(loop, socket)) return Qnil;
    }
}

/* call-seq: accept(server) -> socket: suspends until a client connects. */
static VALUE backend_accept(VALUE self, VALUE server)
{
    struct loop loop = {0};
    (void)self;
    accept_open(&loop, server);
    loop.receiver = client_class(loop.io);
    return rb_ensure(accept_body, (VALUE)&loop, loop_end, (VALUE)&loop);
}

/*
 *  call-seq: accept_loop(server) { |socket| … } -> nil
 *
 *  Yields each client that connects, until the block closes +server+. Suspends between rounds.
 */
static VALUE backend_accept_loop(VALUE self, VALUE server)
{
    struct loop loop = {0};
    (void)self;
    rb_need_block();
    accept_open(&loop, server);
    loop.receiver = client_class(loop.io);
    return rb_ensure(accept_loop_body, (VALUE)&loop, loop_end, (VALUE)&loop);
}

void Init_polyphony_backend_loops(VALUE backend)
{
    rb_define_method(backend, "read_loop", backend_read_loop, -1);
    rb_define_method(backend, "feed_loop", backend_feed_loop, -1);
    rb_define_method(backend, "ready_loop", backend_ready_loop, -1);
    rb_define_method(backend, "accept", backend_accept, 1);
    rb_define_method(backend, "accept_loop", backend_accept_loop, 1);
}
