#include "http1_writer.h"
#include <string.h>

/* The fields of a response, as applications give them. */

void response_refuse(struct response *r, size_t began, const char *format, VALUE what)
{
    r->out->size = began;
    rb_raise(eResponseError, format, what);
}

void response_check(struct response *r, size_t began, enum http1_put result)
{
    if (result == HTTP1_PUT_OK) return;
    r->out->size = began;
    rb_memerror();
}

static int mistake(struct response *r, const char *format, VALUE what)
{
    r->mistake = format;
    r->mistaken = what;
    return 0;
}

static int take_length(struct response *r, const char *value, size_t size)
{
    uint64_t length = 0;
    if (size == 0 || size > 18 || r->has_length) return 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') return 0;
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    r->has_length = 1;
    r->length = length;
    return 1;
}

/* Fields that the writer decides about itself; true if `name` is one, and so not to be written
 * here. */
static int is_ours(struct response *r, unsigned known, VALUE name, const char *value, size_t size)
{
    switch (known) {
    case HTTP1_NAME_CONTENT_LENGTH:
        if (!take_length(r, value, size))
            mistake(r, "invalid value of %" PRIsVALUE " in the response", name);
        return 1;
    case HTTP1_NAME_TRANSFER_ENCODING:
        mistake(r,
                "%" PRIsVALUE
                " is set by the server: leave it out, and a body without content-length is chunked",
                name);
        return 1;
    case HTTP1_NAME_CONNECTION:
        if (http1_has_token(value, size, "close")) r->wants_close = 1;
        return 1;
    case HTTP1_NAME_DATE:
        r->has_date = 1;
        return 0;
    default:
        return 0;
    }
}

static int put_value(struct response *r, VALUE name, unsigned known, VALUE value)
{
    if (!RB_TYPE_P(value, T_STRING))
        return mistake(r, "the value of %" PRIsVALUE " must be a String or an Array of Strings",
                       name);
    const char *text = RSTRING_PTR(value);
    size_t size = (size_t)RSTRING_LEN(value);
    if (known && is_ours(r, known, name, text, size)) return !r->mistake;
    switch (http1_put_field(r->out, RSTRING_PTR(name), (size_t)RSTRING_LEN(name), text, size)) {
    case HTTP1_PUT_OK:
        return 1;
    case HTTP1_PUT_NAME:
        return mistake(r, "%+" PRIsVALUE " is no name of a header field", name);
    case HTTP1_PUT_VALUE:
        return mistake(
            r, "the value of %" PRIsVALUE " has a line break or another control character", name);
    default:
        return mistake(r, "no memory for %" PRIsVALUE, name);
    }
}

/* What Rack has apps tell the server (rack.hijack …) is none of the client's business. */
static int is_for_server(const char *name, size_t size)
{
    return size > 5 && name[0] == 'r' && memcmp(name, "rack.", 5) == 0;
}

/* False when something is wrong with it. Calls nothing of Ruby that could run other code. */
static int put_field(struct response *r, VALUE name, VALUE value)
{
    if (!RB_TYPE_P(name, T_STRING))
        return mistake(r, "%+" PRIsVALUE " is no String: names of header fields are", name);
    size_t size = (size_t)RSTRING_LEN(name);
    const char *text = RSTRING_PTR(name);
    for (size_t i = 0; i < size; i++)
        if (!http1_token[(unsigned char)text[i]])
            return mistake(r, "%+" PRIsVALUE " is no name of a header field", name);
    if (size == 0) return mistake(r, "%+" PRIsVALUE " is no name of a header field", name);
    if (is_for_server(text, size)) {
        r->for_server = 1;
        return 1;
    }
    unsigned known = http1_name_find(text, size);
    if (r->in_trailers &&
        (known == HTTP1_NAME_CONTENT_LENGTH || known == HTTP1_NAME_TRANSFER_ENCODING))
        return mistake(r, "%" PRIsVALUE " cannot be a trailer", name);
    if (!RB_TYPE_P(value, T_ARRAY)) return put_value(r, name, known, value);
    for (long i = 0; i < RARRAY_LEN(value); i++)
        if (!put_value(r, name, known, RARRAY_AREF(value, i))) return 0;
    return 1;
}

static int put_pair(VALUE name, VALUE value, VALUE pointer)
{
    return put_field((struct response *)pointer, name, value) ? ST_CONTINUE : ST_STOP;
}

static void put_pairs(struct response *r, VALUE pairs)
{
    for (long i = 0; i < RARRAY_LEN(pairs); i++) {
        VALUE pair = RARRAY_AREF(pairs, i);
        if (!RB_TYPE_P(pair, T_ARRAY) || RARRAY_LEN(pair) != 2) {
            mistake(r, "%+" PRIsVALUE " is no pair of name and value", pair);
            return;
        }
        if (!put_field(r, RARRAY_AREF(pair, 0), RARRAY_AREF(pair, 1))) return;
    }
}

int response_try_fields(struct response *r, VALUE fields)
{
    if (RB_TYPE_P(fields, T_HASH)) {
        rb_hash_foreach(fields, put_pair, (VALUE)r);
    } else if (RB_TYPE_P(fields, T_ARRAY)) {
        put_pairs(r, fields);
    } else if (!NIL_P(fields)) {
        mistake(r, "header fields must be a Hash or an Array of pairs, not %+" PRIsVALUE, fields);
    }
    return !r->mistake;
}

void response_put_fields(struct response *r, VALUE fields, size_t began)
{
    if (!response_try_fields(r, fields)) response_refuse(r, began, r->mistake, r->mistaken);
}
