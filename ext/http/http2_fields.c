#include "http2_ext.h"
#include <stdlib.h>
#include <string.h>

/* The fields of a response, as applications give them. */

static nghttp2_nv all[HTTP2_MAX_FIELDS + 4];
/* Names that the application has not in lower case. */
static char lower[16384];
static size_t lower_used;

static void add(struct http2_fields *f, const char *name, size_t name_size, const char *value,
                size_t value_size, uint8_t flags)
{
    f->nv[f->count++] =
        (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, name_size, value_size, flags};
}

void http2_fields_start(struct http2_fields *f, unsigned status)
{
    memset(f, 0, sizeof(*f));
    f->nv = all;
    f->status = status;
    f->mistaken = Qnil;
    lower_used = 0;
    if (!status) return;
    for (int i = 2; i >= 0; i--, status /= 10) f->status_text[i] = (char)('0' + status % 10);
    add(f, ":status", 7, f->status_text, 3, NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

void http2_fields_add_date(struct http2_fields *f)
{
    if (!f->has_date)
        add(f, "date", 4, http1_date(), HTTP1_DATE_SIZE, NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

void http2_fields_add_length(struct http2_fields *f, uint64_t length)
{
    char *at = f->length_text + sizeof(f->length_text), *end = at;
    do *--at = (char)('0' + length % 10);
    while (length /= 10);
    add(f, "content-length", 14, at, (size_t)(end - at), NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

nghttp2_nv *http2_fields_copy(const struct http2_fields *f)
{
    size_t size = f->count * sizeof(nghttp2_nv);
    for (size_t i = 0; i < f->count; i++) size += f->nv[i].namelen + f->nv[i].valuelen;
    nghttp2_nv *copy = malloc(size);
    if (!copy) return NULL;
    uint8_t *at = (uint8_t *)(copy + f->count);
    for (size_t i = 0; i < f->count; i++) {
        copy[i] = f->nv[i];
        copy[i].name = memcpy(at, f->nv[i].name, f->nv[i].namelen);
        at += f->nv[i].namelen;
        copy[i].value = memcpy(at, f->nv[i].value, f->nv[i].valuelen);
        at += f->nv[i].valuelen;
        copy[i].flags = NGHTTP2_NV_FLAG_NONE;
    }
    return copy;
}

/* --- what an application gives --- */

static int mistake(struct http2_fields *f, const char *format, VALUE what)
{
    f->mistake = format;
    f->mistaken = what;
    return 0;
}

static int take_length(struct http2_fields *f, const char *value, size_t size)
{
    uint64_t length = 0;
    if (size == 0 || size > 18 || f->has_length) return 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') return 0;
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    f->has_length = 1;
    f->length = length;
    return 1;
}

/* Fields that the server decides about itself; true if `name` is one, and so not to be sent here.
 */
static int is_ours(struct http2_fields *f, unsigned known, VALUE name, const char *value,
                   size_t size)
{
    switch (known) {
    case HTTP1_NAME_CONTENT_LENGTH:
        if (!take_length(f, value, size))
            mistake(f, "invalid value of %" PRIsVALUE " in the response", name);
        return 1;
    case HTTP1_NAME_TRANSFER_ENCODING:
        mistake(f, "%" PRIsVALUE " is set by the server, and HTTP/2 has none: leave it out", name);
        return 1;
    case HTTP1_NAME_CONNECTION: /* HTTP/2 has no such thing (RFC 9113, 8.2.2) */
    case HTTP1_NAME_KEEP_ALIVE:
    case HTTP1_NAME_UPGRADE:
        return 1;
    case HTTP1_NAME_DATE:
        f->has_date = 1;
        return 0;
    default:
        return 0;
    }
}

static int put_value(struct http2_fields *f, VALUE name, const char *lower_name, unsigned known,
                     VALUE value)
{
    uint16_t high;
    if (!RB_TYPE_P(value, T_STRING))
        return mistake(f, "the value of %" PRIsVALUE " must be a String or an Array of Strings",
                       name);
    const char *text = RSTRING_PTR(value);
    size_t size = (size_t)RSTRING_LEN(value);
    if (known && is_ours(f, known, name, text, size)) return !f->mistake;
    if (http1_skip_text(text, text + size, &high) != text + size)
        return mistake(
            f, "the value of %" PRIsVALUE " has a line break or another control character", name);
    while (size > 0 && (text[0] == ' ' || text[0] == '\t')) text++, size--;
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) size--;
    if (f->count == HTTP2_MAX_FIELDS) return mistake(f, "too many fields: %" PRIsVALUE, name);
    add(f, lower_name, (size_t)RSTRING_LEN(name), text, size, NGHTTP2_NV_FLAG_NONE);
    return 1;
}

static const char *lower_case(const char *name, size_t size)
{
    size_t i = 0;
    while (i < size && !(name[i] >= 'A' && name[i] <= 'Z')) i++;
    if (i == size) return name;
    if (lower_used + size > sizeof(lower)) return NULL;
    char *copy = lower + lower_used;
    lower_used += size;
    for (i = 0; i < size; i++)
        copy[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    return copy;
}

/* False when something is wrong with it. Calls nothing of Ruby that could run other code. */
static int put_field(struct http2_fields *f, VALUE name, VALUE value)
{
    if (!RB_TYPE_P(name, T_STRING))
        return mistake(f, "%+" PRIsVALUE " is no String: names of header fields are", name);
    size_t size = (size_t)RSTRING_LEN(name);
    const char *text = RSTRING_PTR(name);
    for (size_t i = 0; i < size; i++)
        if (!http1_token[(unsigned char)text[i]])
            return mistake(f, "%+" PRIsVALUE " is no name of a header field", name);
    if (size == 0) return mistake(f, "%+" PRIsVALUE " is no name of a header field", name);
    unsigned known = http1_name_find(text, size);
    if (f->in_trailers &&
        (known == HTTP1_NAME_CONTENT_LENGTH || known == HTTP1_NAME_TRANSFER_ENCODING))
        return mistake(f, "%" PRIsVALUE " cannot be a trailer", name);
    if (size > 5 && !memcmp(text, "rack.", 5)) f->for_server = 1;
    if (!known && http1_same(text, size, "proxy-connection")) return 1;
    if (!(text = lower_case(text, size)))
        return mistake(f, "too many names with capitals: %" PRIsVALUE, name);
    if (!RB_TYPE_P(value, T_ARRAY)) return put_value(f, name, text, known, value);
    for (long i = 0; i < RARRAY_LEN(value); i++)
        if (!put_value(f, name, text, known, RARRAY_AREF(value, i))) return 0;
    return 1;
}

static int put_pair(VALUE name, VALUE value, VALUE pointer)
{
    return put_field((struct http2_fields *)pointer, name, value) ? ST_CONTINUE : ST_STOP;
}

static void put_pairs(struct http2_fields *f, VALUE pairs)
{
    for (long i = 0; i < RARRAY_LEN(pairs); i++) {
        VALUE pair = RARRAY_AREF(pairs, i);
        if (!RB_TYPE_P(pair, T_ARRAY) || RARRAY_LEN(pair) != 2) {
            mistake(f, "%+" PRIsVALUE " is no pair of name and value", pair);
            return;
        }
        if (!put_field(f, RARRAY_AREF(pair, 0), RARRAY_AREF(pair, 1))) return;
    }
}

int http2_fields_try(struct http2_fields *f, VALUE fields)
{
    if (RB_TYPE_P(fields, T_HASH)) {
        rb_hash_foreach(fields, put_pair, (VALUE)f);
    } else if (RB_TYPE_P(fields, T_ARRAY)) {
        put_pairs(f, fields);
    } else if (!NIL_P(fields)) {
        mistake(f, "header fields must be a Hash or an Array of pairs, not %+" PRIsVALUE, fields);
    }
    return !f->mistake;
}

void http2_fields_add(struct http2_fields *f, VALUE fields)
{
    if (!http2_fields_try(f, fields)) rb_raise(eResponseError, f->mistake, f->mistaken);
}
