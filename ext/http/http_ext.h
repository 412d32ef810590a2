#ifndef POLYPHONY_HTTP_EXT_H
#define POLYPHONY_HTTP_EXT_H

#include <ruby.h>
#include <ruby/encoding.h>
#include "http1.h"
#include "http1_names.h"

/* The Ruby side of the codec. Each *_class.c wraps one pure C file. */

extern VALUE eProtocolError, eResponseError;

/* --- http1_strings.c: Strings that are made once --- */
VALUE http_ascii(const char *bytes, size_t size);          /* a new String of ASCII bytes */
VALUE http_text(const char *bytes, size_t size, int high); /* BINARY if there are high bytes */
VALUE http_method_string(unsigned method);
VALUE http_version_string(unsigned minor);
VALUE http_name_string(const char *name, const struct http1_field *field); /* lower case */
VALUE http_env_key(const char *name,
                   const struct http1_field *field); /* 0: keep it out of an env */
VALUE http_value_string(const char *value,
                        const struct http1_field *field); /* maybe frozen and shared */
VALUE http_shared_string(const char *bytes, size_t size); /* frozen, ASCII */
VALUE http_shared_target(const char *bytes, size_t size); /* … if it is short */

/* --- http1_head_class.c --- */
struct request_head {
    struct http1_head index;
    VALUE headers, context;
    VALUE writer;        /* of the connection, for #answer_at_once; nil: no connection, or over */
    int status;          /* of the response that was begun; -1: none yet */
    size_t allocated;
    struct http1_field fields[]; /* the bytes follow */
};
struct request_head *request_head_get(VALUE head);
VALUE request_head_new(VALUE class, const struct http1_head *index, VALUE context, VALUE writer);
static inline int request_head_has_body(const struct request_head *head)
{
    return head->index.content_length > 0 || (head->index.flags & HTTP1_CHUNKED);
}
/* name => value of a block of fields; several values of a name are joined */
VALUE http_fields_hash(const struct http1_head *index);
VALUE http_join_values(VALUE old, VALUE value, unsigned known);

/* Room for the index of one head: filled and copied without giving up the GVL between. */
extern struct http1_field http_scratch[HTTP1_MAX_FIELDS];

void Init_polyphony_http1_strings(void);
VALUE Init_polyphony_http1_head(VALUE http1);
void Init_polyphony_http1_env(VALUE head);
void Init_polyphony_http1_answer(VALUE head);
void Init_polyphony_http1_parser(VALUE http1);
void Init_polyphony_http1_writer(VALUE http1);
void Init_polyphony_websocket(VALUE http);

#endif
