/* While SQLite computes, nothing else of the process runs: the gem sqlite3 keeps Ruby's lock for as
   long as a step of a statement takes. SQLite can call a function of ours every so many of its
   instructions, though, and from there the fiber can let others run as it can from anywhere else;
   or say that the query is to end.

   The gem does not hand out its sqlite3*, but SQLite hands it to its loadable extensions. So this
   library is two things: Ruby's extension polyphony/sqlite_ext, and an extension of SQLite, which
   `database.load_extension(path of this file)` sets up on one connection. */

#include <ruby.h>
#include <stddef.h>
#include <time.h>

#define EXPORTED __attribute__((visibility("default")))

/* How many instructions of SQLite's machine pass between two looks at the clock: some 10
 * microseconds. */
#define INSTRUCTIONS 1000
/* How long a query may run before others have their turn. */
#define SLICE_NS 1000000

/* SQLite's functions, as it hands them to extensions. The order of this struct is SQLite's word to
   all that were ever compiled: functions are only added at its end. */
struct routines {
    void *others[75];
    void (*progress_handler)(void *db, int instructions, int (*handler)(void *), void *data);
};

#ifdef HAVE_SQLITE3EXT_H
#include <sqlite3ext.h>
_Static_assert(offsetof(struct routines, progress_handler) ==
                   offsetof(sqlite3_api_routines, progress_handler),
               "SQLite's functions are in another order");
#endif

static ID id_guard, id_pause;
static __thread struct timespec turn; /* when this thread's query got its turn */

static int slice_is_over(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - turn.tv_sec) * 1000000000LL + (now.tv_nsec - turn.tv_nsec) >= SLICE_NS;
}

static VALUE pause_guard(VALUE guard)
{
    return rb_funcall(guard, id_pause, 0);
}

/* Called in the midst of a step, with Ruby's lock, in the fiber that asked for the step. No
   exception may pass through SQLite: the guard keeps it, and the step ends with SQLITE_INTERRUPT.
 */
static int progress(void *data)
{
    int failed = 0;
    if (!slice_is_over()) return 0;
    VALUE guard = rb_thread_local_aref(rb_thread_current(), id_guard);
    if (NIL_P(guard)) return 0; /* not one of our calls */
    VALUE go_on = rb_protect(pause_guard, guard, &failed);
    if (failed)
        rb_set_errinfo(
            Qnil); /* the guard rescues all it can: this is a thread that is being killed */
    clock_gettime(CLOCK_MONOTONIC, &turn);
    return failed || !RTEST(go_on);
}

/* SQLite's entry point. */
EXPORTED int sqlite3_extension_init(void *db, char **message, const struct routines *routines)
{
    if (routines->progress_handler) routines->progress_handler(db, INSTRUCTIONS, progress, NULL);
    return 0;
}

/* Ruby's. */
EXPORTED void Init_sqlite_ext(void)
{
    id_guard = rb_intern("polyphony_sqlite3_guard");
    id_pause = rb_intern("pause");
}
