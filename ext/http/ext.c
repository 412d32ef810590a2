#include "http_ext.h"
#include "http1_response.h"
#ifdef HAVE_NGHTTP2
#include "http2_ext.h"
#endif

VALUE eProtocolError, eResponseError;

/* call-seq: HTTP1.date -> String: now, as in the field Date, in whole seconds */
static VALUE http1_s_date(VALUE self)
{
    return http_ascii(http1_date(), HTTP1_DATE_SIZE);
}

static VALUE class_in(VALUE module, const char *name)
{
    return rb_const_get(module, rb_intern(name));
}

/*
 * Document-const: Polyphony::HTTP::HTTP1::LLHTTP_VERSION
 *
 * The version of llhttp that it was built with.
 */

/* lib/polyphony/http/errors.rb is loaded before. */
__attribute__((visibility("default"))) void Init_http_ext(void)
{
    VALUE polyphony = rb_define_module("Polyphony");
    VALUE http = rb_define_module_under(polyphony, "HTTP");
    VALUE http1 = rb_define_module_under(http, "HTTP1");
    rb_gc_register_mark_object(eProtocolError = class_in(http, "ProtocolError"));
    rb_gc_register_mark_object(eResponseError = class_in(http, "ResponseError"));
    http1_names_setup();
    rb_define_const(http1, "LLHTTP_VERSION",
                    rb_obj_freeze(rb_sprintf("%d.%d.%d", LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR,
                                             LLHTTP_VERSION_PATCH)));
    rb_define_singleton_method(http1, "date", http1_s_date, 0);
    Init_polyphony_http1_strings();
    VALUE head = Init_polyphony_http1_head(http1);
    Init_polyphony_http1_env(head);
    Init_polyphony_http1_answer(head);
    Init_polyphony_http1_parser(http1);
    Init_polyphony_http1_writer(http1);
    Init_polyphony_websocket(http);
#ifdef HAVE_NGHTTP2
    Init_polyphony_http2(http, head);
#endif
}
