#include "http2.h"
#include <stdlib.h>
#include <string.h>

/* What a request must be. nghttp2 has checked most of it, but how much depends on its version; what
   is here is checked by us whatever it does. */

#define MALFORMED (-1)

static int refuse(const char **reason, int status, const char *text)
{
    *reason = text;
    return status;
}

static struct http1_span none(void)
{
    return (struct http1_span){0, 0};
}

static const char *at(const struct http2_builder *b, struct http1_span span)
{
    return b->bytes + span.at;
}

static int is(const struct http2_builder *b, struct http1_span span, const char *text)
{
    return span.length == strlen(text) && !memcmp(at(b, span), text, span.length);
}

/* --- fields --- */

/* RFC 9113, 8.2: names in lower case, no control character and no space around a value. */
static int check_field(const struct http2_builder *b, struct http1_field *field,
                       const char **reason)
{
    const char *name = at(b, field->name), *value = at(b, field->value);
    size_t size = field->value.length;
    for (uint32_t i = 0; i < field->name.length; i++) {
        unsigned char c = (unsigned char)name[i];
        if (!http1_token[c] || (c >= 'A' && c <= 'Z'))
            return refuse(reason, MALFORMED, "invalid name of a field");
    }
    if (field->name.length == 0) return refuse(reason, MALFORMED, "a field without a name");
    if (http1_skip_text(value, value + size, &field->high) != value + size)
        return refuse(reason, MALFORMED, "control character in the value of a field");
    if (size > 0 &&
        (value[0] == ' ' || value[0] == '\t' || value[size - 1] == ' ' || value[size - 1] == '\t'))
        return refuse(reason, MALFORMED, "space around the value of a field");
    field->known = (uint16_t)http1_name_find(name, field->name.length);
    return 0;
}

static int check_length(struct http1_head *index, const char *value, size_t size,
                        const char **reason)
{
    uint64_t length = 0;
    if (size == 0 || size > 18) return refuse(reason, MALFORMED, "invalid content-length");
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9')
            return refuse(reason, MALFORMED, "invalid content-length");
        length = length * 10 + (uint64_t)(value[i] - '0');
    }
    if (index->lengths++) return refuse(reason, MALFORMED, "more than one content-length");
    index->flags |= HTTP1_HAS_LENGTH;
    index->content_length = length;
    return 0;
}

static int same_host(const char *a, const char *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char x = a[i], y = b[i];
        if (x >= 'A' && x <= 'Z') x |= 0x20;
        if (y >= 'A' && y <= 'Z') y |= 0x20;
        if (x != y) return 0;
    }
    return 1;
}

static int check_host(const struct http2_builder *b, struct http1_head *index,
                      const struct http1_field *field, const char **reason)
{
    if (index->hosts++) return refuse(reason, MALFORMED, "more than one host");
    if (b->authority.length > 0) {
        if (b->authority.length != field->value.length ||
            !same_host(at(b, b->authority), at(b, field->value), field->value.length))
            return refuse(reason, MALFORMED, "host differs from :authority");
    } else {
        index->authority = field->value;
    }
    return 0;
}

/* RFC 9113, 8.2.2 */
static int is_of_connection(const struct http2_builder *b, const struct http1_field *field)
{
    switch (field->known) {
    case HTTP1_NAME_CONNECTION:
    case HTTP1_NAME_KEEP_ALIVE:
    case HTTP1_NAME_TRANSFER_ENCODING:
    case HTTP1_NAME_UPGRADE:
        return 1;
    case HTTP1_NAME_TE:
        return !http1_same(at(b, field->value), field->value.length, "trailers");
    case HTTP1_NAME_UNKNOWN:
        return is(b, field->name, "proxy-connection");
    default:
        return 0;
    }
}

static int check_known(const struct http2_builder *b, struct http1_head *index,
                       const struct http1_field *field, const char **reason)
{
    const char *value = at(b, field->value);
    size_t size = field->value.length;
    if (is_of_connection(b, field))
        return refuse(reason, MALFORMED, "a field that is about the connection");
    switch (field->known) {
    case HTTP1_NAME_HOST:
        return check_host(b, index, field, reason);
    case HTTP1_NAME_CONTENT_LENGTH:
        return check_length(index, value, size, reason);
    case HTTP1_NAME_EXPECT:
        if (!http1_same(value, size, "100-continue")) return refuse(reason, 417, "unknown Expect");
        index->flags |= HTTP1_EXPECT_CONTINUE;
        return 0;
    default:
        return 0;
    }
}

/* --- pseudo-header fields --- */

static int find_method(const char *name, size_t size)
{
    static const struct {
        const char *name;
        size_t size;
        uint8_t number;
    } methods[] = {
#define XX(number, name, string) {#string, sizeof(#string) - 1, number},
        HTTP_METHOD_MAP(XX)
#undef XX
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
        if (methods[i].size == size && !memcmp(methods[i].name, name, size))
            return http1_is_method(methods[i].number) ? methods[i].number : -1;
    return -1;
}

static int check_method(const struct http2_builder *b, struct http1_head *index,
                        const char **reason)
{
    const char *name = at(b, b->method);
    if (b->method.length == 0) return refuse(reason, MALFORMED, "no :method");
    for (uint32_t i = 0; i < b->method.length; i++)
        if (!http1_token[(unsigned char)name[i]])
            return refuse(reason, MALFORMED, "invalid :method");
    int method = find_method(name, b->method.length);
    if (method < 0) return refuse(reason, 501, "unknown method");
    index->method = (uint8_t)method;
    index->method_name = b->method;
    return 0;
}

static int check_scheme(const struct http2_builder *b, const char **reason)
{
    const char *scheme = at(b, b->scheme);
    if (b->scheme.length == 0) return refuse(reason, MALFORMED, "no :scheme");
    for (uint32_t i = 0; i < b->scheme.length; i++) {
        char c = scheme[i], l = (char)(c | 0x20);
        int letter = l >= 'a' && l <= 'z';
        if (letter || (i > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.')))
            continue;
        return refuse(reason, MALFORMED, "invalid :scheme");
    }
    return 0;
}

static int check_target(const struct http2_builder *b, const struct http2_limits *limits,
                        struct http1_head *index, const char **reason)
{
    int connect = index->method == HTTP_CONNECT, extended = b->protocol.length > 0;
    if (extended && !connect) return refuse(reason, MALFORMED, ":protocol without CONNECT");
    if (connect && !extended) {
        if (b->path.length > 0 || b->scheme.length > 0)
            return refuse(reason, MALFORMED, "CONNECT with :path or :scheme");
        index->target = b->authority;
    } else {
        int status = check_scheme(b, reason);
        if (status) return status;
        if (b->path.length == 0) return refuse(reason, MALFORMED, "no :path");
        const char *path = at(b, b->path);
        int asterisk = index->method == HTTP_OPTIONS && b->path.length == 1 && *path == '*';
        if (*path != '/' && !asterisk) return refuse(reason, MALFORMED, ":path is no path");
        index->target = b->path;
    }
    if (index->target.length > limits->target)
        return refuse(reason, 414, "the request target is longer than allowed");
    if (!extended) return http1_check_target(index, reason);
    index->protocol = b->protocol;
    index->flags |= HTTP1_UPGRADE;
    index->method = HTTP_GET; /* its :path is one like GET's */
    int status = http1_check_target(index, reason);
    index->method = HTTP_CONNECT;
    return status;
}

static int check_authority(const struct http2_builder *b, struct http1_head *index,
                           const char **reason)
{
    if (b->authority.length > 0) index->authority = b->authority;
    if (index->authority.length == 0) return refuse(reason, 400, "no :authority and no host");
    if (!http1_check_host(at(b, index->authority), index->authority.length, 0))
        return refuse(reason, 400, "invalid :authority or host");
    return 0;
}

/* Handlers look for the host where HTTP/1 has it. */
static void add_host(struct http2_builder *b, struct http1_head *index)
{
    struct http1_field *field = &b->fields[index->count++];
    field->name = (struct http1_span){(uint32_t)b->used, 4};
    memcpy(b->bytes + b->used, "host", 4);
    b->used += 4;
    field->value = index->authority;
    field->known = HTTP1_NAME_HOST;
    field->high = 0;
}

static int prepare(struct http2_builder *b, struct http1_head *index)
{
    /* room for add_host */
    if (!b->fields) {
        b->fields = calloc(17, sizeof(*b->fields));
        if (!b->fields) return 0;
        b->room = 16;
    }
    if (b->capacity - b->used < 4) {
        char *bytes = realloc(b->bytes, b->capacity + 64);
        if (!bytes) return 0;
        b->bytes = bytes;
        b->capacity += 64;
    }
    memset(index, 0, sizeof(*index));
    index->bytes = b->bytes;
    index->size = (uint32_t)b->used;
    index->minor = 2;
    index->fields = b->fields;
    index->flags = HTTP1_KEEP_ALIVE;
    return 1;
}

static int check_fields(struct http2_builder *b, struct http1_head *index, const char **reason)
{
    int status = 0;
    for (size_t i = 0; i < b->count && status != MALFORMED; i++) {
        struct http1_field *field = &b->fields[i];
        int found = check_field(b, field, reason);
        if (!found) found = check_known(b, index, field, reason);
        if (found) status = found;
    }
    index->count = (uint32_t)b->count;
    return status;
}

/* What is malformed comes first: it gets no answer. */
int http2_check_request(struct http2_builder *b, const struct http2_limits *limits,
                        struct http1_head *index, int ended, const char **reason)
{
    if (!prepare(b, index)) return refuse(reason, 503, "no memory");
    if (b->too_long) return refuse(reason, 431, "the header fields are longer than allowed");
    if (b->too_many) return refuse(reason, 431, "too many header fields");
    int status = check_fields(b, index, reason);
    if (!status) status = check_method(b, index, reason);
    if (!status) status = check_target(b, limits, index, reason);
    if (!status) status = check_authority(b, index, reason);
    if (status) return status;
    if (!index->hosts) add_host(b, index);
    if (ended && index->content_length > 0)
        return refuse(reason, MALFORMED, "the body is shorter than content-length");
    if (index->content_length > limits->body)
        return refuse(reason, 413, "the body is longer than allowed");
    if (ended) index->flags &= (uint8_t)~HTTP1_EXPECT_CONTINUE;
    if (!ended && !(index->flags & HTTP1_HAS_LENGTH)) index->flags |= HTTP1_CHUNKED;
    return 0;
}

int http2_check_trailers(struct http2_builder *b, const struct http2_limits *limits,
                         struct http1_head *index, const char **reason)
{
    (void)limits;
    if (!prepare(b, index)) return refuse(reason, MALFORMED, "no memory");
    if (b->too_long) return refuse(reason, 431, "the trailers are longer than allowed");
    if (b->too_many) return refuse(reason, 431, "too many trailer fields");
    if (b->seen) return refuse(reason, MALFORMED, "pseudo-header fields in trailers");
    for (size_t i = 0; i < b->count; i++) {
        struct http1_field *field = &b->fields[i];
        int status = check_field(b, field, reason);
        if (status) return status;
        if (is_of_connection(b, field) || field->known == HTTP1_NAME_CONTENT_LENGTH ||
            field->known == HTTP1_NAME_HOST || field->known == HTTP1_NAME_EXPECT)
            return refuse(reason, MALFORMED, "field not allowed in trailers");
    }
    index->count = (uint32_t)b->count;
    index->method_name = none();
    return 0;
}
