#include "scheduler.h"

/* Calls each file's Init and does nothing else. lib/polyphony/errors.rb has been loaded. */
RUBY_FUNC_EXPORTED void Init_scheduler_ext(void)
{
    VALUE polyphony = rb_define_module("Polyphony");
    Init_polyphony_fork();
    Init_polyphony_scheduler(polyphony);
    Init_polyphony_scope(polyphony);
    Init_polyphony_backend_class(polyphony);
}
