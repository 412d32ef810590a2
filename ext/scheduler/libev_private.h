#ifndef POLYPHONY_LIBEV_PRIVATE_H
#define POLYPHONY_LIBEV_PRIVATE_H

/*
 * The system's libev, to ourselves.
 *
 * Ruby loads extensions with RTLD_GLOBAL, and nio4r (Puma, ActionCable) has a libev of its own,
 * changed to release the GVL, under the same names. Linked in the ordinary way, whoever comes first
 * would serve both: nio4r would wait in ours with the GVL, or we would call into its loops, which
 * are of another shape. So libev is loaded where its names are seen by nobody, and itself sees its
 * own names first.
 */

#include <dlfcn.h>

/* The address sanitizer does not work with it; musl does not have it. */
#if !defined(RTLD_DEEPBIND) || defined(__SANITIZE_ADDRESS__)
#undef RTLD_DEEPBIND
#define RTLD_DEEPBIND 0
#endif

#define LIBEV_FUNCTIONS(X)                                                                         \
    X(ev_loop_new)                                                                                 \
    X(ev_loop_destroy)                                                                             \
    X(ev_run) X(ev_now_update) X(ev_set_userdata) X(ev_userdata) X(ev_io_start) X(ev_io_stop)      \
        X(ev_timer_start) X(ev_timer_stop) X(ev_async_start) X(ev_async_send)

#define LIBEV_POINTER(name) __typeof__(name) *name;
static struct {
    LIBEV_FUNCTIONS(LIBEV_POINTER)
} libev_calls;
#undef LIBEV_POINTER

/* 0 when libev, or a part of it, is not there: dlerror() says what. */
static int libev_load(void)
{
    if (libev_calls.ev_run) return 1;
    void *library = dlopen(LIBEV_SONAME, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (!library) return 0;
#define LIBEV_FIND(name)                                                                           \
    if (!(*(void **)&libev_calls.name = dlsym(library, #name))) return 0;
    LIBEV_FUNCTIONS(LIBEV_FIND)
#undef LIBEV_FIND
    return 1;
}

#define ev_loop_new libev_calls.ev_loop_new
#define ev_loop_destroy libev_calls.ev_loop_destroy
#define ev_run libev_calls.ev_run
#define ev_now_update libev_calls.ev_now_update
#define ev_set_userdata libev_calls.ev_set_userdata
#define ev_userdata libev_calls.ev_userdata
#define ev_io_start libev_calls.ev_io_start
#define ev_io_stop libev_calls.ev_io_stop
#define ev_timer_start libev_calls.ev_timer_start
#define ev_timer_stop libev_calls.ev_timer_stop
#define ev_async_start libev_calls.ev_async_start
#define ev_async_send libev_calls.ev_async_send

#endif
