#include "scheduler.h"
#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Waiting for child processes: a pidfd turns the exit of a child into a readable descriptor. */

struct process_wait {
    struct scheduler *s;
    struct waiter w;
    int fd;
};

static int open_pidfd(pid_t pid)
{
#ifdef HAVE_SYS_PIDFD_OPEN
    return (int)syscall(SYS_pidfd_open, pid, 0);
#else
    (void)pid;
    errno = ENOSYS;
    return -1;
#endif
}

static VALUE process_wait_body(VALUE pointer)
{
    struct process_wait *p = (struct process_wait *)pointer;
    waiter_watch(p->s, &p->w, p->fd, BACKEND_READABLE);
    scheduler_suspend(p->s, &p->w);
    return Qnil;
}

static VALUE process_wait_end(VALUE pointer)
{
    struct process_wait *p = (struct process_wait *)pointer;
    close(p->fd);
    return Qnil;
}

static VALUE status_wait(VALUE pid, int flags)
{
    /* Does not come back to this hook: Ruby asks the scheduler only for waits that may block. */
    return rb_funcall(rb_path2class("Process::Status"), rb_intern("wait"), 2, pid, INT2NUM(flags));
}

/*
 *  call-seq: process_wait(pid, flags) -> Process::Status
 *
 *  Suspends until the child +pid+ has ended. For any child (-1), a process group, a stop
 *  (WUNTRACED) and where the kernel has no pidfd, a helper thread waits.
 */
static VALUE hook_process_wait(VALUE self, VALUE pid, VALUE flags)
{
    struct process_wait p = {.s = hook_enter(self)};
    pid_t child = NUM2PIDT(pid);
    int options = NUM2INT(flags);
    /* Ended already, or no child of ours: a pidfd would not say so. */
    VALUE status = status_wait(pid, options | WNOHANG);
    if (!NIL_P(status)) return status;
    p.fd = child > 0 && !(options & ~WNOHANG) ? open_pidfd(child) : -1;
    if (p.fd == -1) {
        /* Somebody else has reaped it in between: let waitpid say so. */
        if (child > 0 && errno == ESRCH) return status_wait(pid, options | WNOHANG);
        return rb_funcall(self, rb_intern("process_wait_in_thread"), 2, pid, flags);
    }
    waiter_init(&p.w, WAITER_PROCESS, Qnil);
    p.w.pid = child;
    rb_ensure(process_wait_body, (VALUE)&p, process_wait_end, (VALUE)&p);
    return status_wait(pid, options | WNOHANG);
}

void Init_polyphony_hooks_process(VALUE scheduler)
{
    rb_define_method(scheduler, "process_wait", hook_process_wait, 2);
}
