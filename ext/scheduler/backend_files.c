#include "scheduler.h"
#include <errno.h>
#include <fcntl.h>
#include <ruby/io.h>
#include <sys/socket.h>

/* Moving bytes between descriptors, and datagrams. */

static VALUE socket_io(VALUE io)
{
    VALUE real = rb_io_get_io(io);
    if (!(io_transfer_flags(real, io_descriptor(real)) & TRANSFER_SOCKET))
        rb_raise(rb_eTypeError, "no socket: %" PRIsVALUE, rb_obj_class(io));
    return real;
}

/*
 *  call-seq: recv(socket, length = 8192, flags = 0) -> String or nil
 *
 *  Receives one message, or what a stream has; nil at the end of a stream. Suspends.
 */
static VALUE backend_recv(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = scheduler_current_install();
    (void)self;
    rb_check_arity(argc, 1, 3);
    VALUE io = socket_io(argv[0]);
    long length = argc > 1 && !NIL_P(argv[1]) ? NUM2LONG(argv[1]) : 8192;
    if (length < 0) rb_raise(rb_eArgError, "negative length %ld given", length);
    int flags = argc > 2 ? NUM2INT(argv[2]) : 0;
    int type = 0;
    socklen_t size = sizeof(type);
    int fd = io_descriptor(io);
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
    VALUE buffer = rb_str_buf_new(length);
    for (;;) {
        ssize_t n = recv(fd, RSTRING_PTR(buffer), (size_t)length, flags | MSG_DONTWAIT);
        if (n > 0 || (n == 0 && type != SOCK_STREAM)) {
            if (n > length) n = length; /* MSG_TRUNC reports what did not fit, too */
            rb_str_set_len(buffer, n);
            return buffer;
        }
        if (n == 0) return length ? Qnil : buffer;
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) rb_sys_fail("recv(2)");
        scheduler_wait_fd(s, io, fd, BACKEND_READABLE, Qnil);
        fd = io_descriptor(io);
    }
}

/* call-seq: send(socket, string, flags = 0) -> Integer: sends one message; suspends while full. */
static VALUE backend_send(int argc, VALUE *argv, VALUE self)
{
    struct scheduler *s = scheduler_current_install();
    (void)self;
    rb_check_arity(argc, 2, 3);
    VALUE io = socket_io(argv[0]);
    VALUE string = rb_str_new_frozen(StringValue(argv[1]));
    int flags = argc > 2 ? NUM2INT(argv[2]) : 0;
    int fd = io_descriptor(io);
    for (;;) {
        ssize_t n = send(fd, RSTRING_PTR(string), (size_t)RSTRING_LEN(string),
                         flags | MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            RB_GC_GUARD(string);
            return SSIZET2NUM(n);
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) rb_sys_fail("send(2)");
        scheduler_wait_fd(s, io, fd, BACKEND_WRITABLE, Qnil);
        fd = io_descriptor(io);
    }
}

/*
 *  call-seq: connect(socket, address) -> 0
 *
 *  Connects a Socket to a packed sockaddr or an Addrinfo. Suspends; raises as Socket#connect.
 */
static VALUE backend_connect(VALUE self, VALUE socket, VALUE address)
{
    struct scheduler *s = scheduler_current_install();
    (void)self;
    VALUE io = socket_io(socket);
    if (rb_respond_to(address, rb_intern("to_sockaddr")))
        address = rb_funcall(address, rb_intern("to_sockaddr"), 0);
    StringValue(address);
    int fd = io_descriptor(io);
    io_set_nonblock(io);
    int result =
        connect(fd, (struct sockaddr *)RSTRING_PTR(address), (socklen_t)RSTRING_LEN(address));
    if (result == 0) return INT2FIX(0);
    if (errno != EINPROGRESS && errno != EINTR) rb_sys_fail("connect(2)");
    scheduler_wait_fd(s, io, fd, BACKEND_WRITABLE, Qnil);
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(io_descriptor(io), SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        rb_sys_fail("getsockopt(2)");
    if (error) rb_syserr_fail(error, "connect(2)");
    return INT2FIX(0);
}

#ifdef HAVE_SPLICE
/*
 *  call-seq: splice(from, to, length) -> Integer
 *
 *  Moves up to +length+ bytes inside the kernel; one of the two must be a pipe. Negative +length+:
 *  until the end of +from+. Returns the number of bytes, 0 at the end. Suspends. See splice(2).
 */
static VALUE backend_splice(VALUE self, VALUE from, VALUE to, VALUE length)
{
    struct scheduler *s = scheduler_current_install();
    (void)self;
    VALUE source = rb_io_get_io(from), target = io_writer(to);
    int in = io_descriptor(source), out = io_descriptor(target);
    long most = NUM2LONG(length);
    size_t total = 0;
    if (io_buffered(source) > 0)
        rb_raise(rb_eIOError, "splice after buffered reads would lose what was read ahead");
    io_flush(target);
    do {
        size_t chunk = most < 0 ? 65536 : (size_t)most;
        ssize_t n = splice(in, NULL, out, NULL, chunk, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n == 0) break;
        if (n > 0) {
            total += (size_t)n;
            if (most >= 0) break;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN) rb_sys_fail("splice(2)");
        /* EAGAIN does not say which side. Both ready at once, or the one, then the other. */
        scheduler_wait_fd(s, source, in, BACKEND_READABLE, Qnil);
        scheduler_wait_fd(s, target, out, BACKEND_WRITABLE, Qnil);
        in = io_descriptor(source);
        out = io_descriptor(target);
    } while (1);
    return SIZET2NUM(total);
}
#endif

void Init_polyphony_backend_files(VALUE backend)
{
    rb_define_method(backend, "recv", backend_recv, -1);
    rb_define_method(backend, "send", backend_send, -1);
    rb_define_method(backend, "connect", backend_connect, 2);
#ifdef HAVE_SPLICE
    rb_define_method(backend, "splice", backend_splice, 3);
#endif
}
