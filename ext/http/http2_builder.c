#include "http2.h"
#include <stdlib.h>
#include <string.h>

/* Collects the fields of one header block as nghttp2 decodes them. There is one block at a time on
   a connection, so that its memory serves for all. */

#define FIRST_CAPACITY 512
#define FIRST_ROOM 16
#define KEPT 4096

void http2_builder_free(struct http2_builder *b)
{
    free(b->bytes);
    free(b->fields);
    memset(b, 0, sizeof(*b));
}

void http2_builder_start(struct http2_builder *b, int trailers)
{
    if (b->capacity > KEPT) http2_builder_free(b);
    b->used = b->count = b->list_size = b->frames = 0;
    b->method = b->scheme = b->authority = b->path = b->protocol = (struct http1_span){0, 0};
    b->seen = b->too_long = b->too_many = 0;
    b->open = 1;
    b->trailers = trailers != 0;
}

static int reserve(struct http2_builder *b, size_t size)
{
    if (b->capacity - b->used >= size) return 1;
    size_t capacity = b->capacity ? b->capacity : FIRST_CAPACITY;
    while (capacity - b->used < size) capacity *= 2;
    char *bytes = realloc(b->bytes, capacity);
    if (!bytes) return 0;
    b->bytes = bytes;
    b->capacity = capacity;
    return 1;
}

static struct http1_span put(struct http2_builder *b, const char *bytes, size_t size)
{
    struct http1_span span = {(uint32_t)b->used, (uint32_t)size};
    memcpy(b->bytes + b->used, bytes, size);
    b->used += size;
    return span;
}

enum { METHOD = 1, SCHEME = 2, AUTHORITY = 4, PATH = 8, PROTOCOL = 16 };

static int add_pseudo(struct http2_builder *b, const char *name, size_t size, const char *value,
                      size_t value_size)
{
    static const struct {
        const char *name;
        size_t size, at;
        uint8_t bit;
    } known[] = {{":method", 7, offsetof(struct http2_builder, method), METHOD},
                 {":scheme", 7, offsetof(struct http2_builder, scheme), SCHEME},
                 {":authority", 10, offsetof(struct http2_builder, authority), AUTHORITY},
                 {":path", 5, offsetof(struct http2_builder, path), PATH},
                 {":protocol", 9, offsetof(struct http2_builder, protocol), PROTOCOL}};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (known[i].size != size || memcmp(known[i].name, name, size)) continue;
        if (!reserve(b, value_size)) return -1;
        *(struct http1_span *)((char *)b + known[i].at) = put(b, value, value_size);
        b->seen |= known[i].bit;
        return 0;
    }
    return 0; /* nghttp2 has refused it */
}

int http2_builder_add(struct http2_builder *b, const struct http2_limits *limits, const char *name,
                      size_t name_size, const char *value, size_t value_size)
{
    size_t bytes = b->trailers ? limits->trailer : limits->head;
    size_t number = b->trailers ? limits->trailer_fields : limits->fields;
    b->list_size += name_size + value_size + 32;
    if (b->list_size > bytes) {
        b->too_long = 1;
        return 0;
    }
    if (name_size > 0 && name[0] == ':') return add_pseudo(b, name, name_size, value, value_size);
    if (b->count == number) {
        b->too_many = 1;
        return 0;
    }
    if (b->count == b->room) {
        size_t room = b->room ? b->room * 2 : FIRST_ROOM;
        /* one more, for the Host that http2_rules.c adds */
        struct http1_field *fields = realloc(b->fields, (room + 1) * sizeof(*fields));
        if (!fields) return -1;
        b->fields = fields;
        b->room = room;
    }
    if (!reserve(b, name_size + value_size)) return -1;
    struct http1_field *field = &b->fields[b->count++];
    field->name = put(b, name, name_size);
    field->value = put(b, value, value_size);
    return 0;
}

struct http2_block *http2_builder_block(struct http2_builder *b, const struct http1_head *index)
{
    size_t fields = index->count * sizeof(struct http1_field);
    struct http2_block *block = http2_malloc(sizeof(*block) + fields + b->used);
    if (!block) return NULL;
    block->index = *index;
    if (fields) memcpy(block->fields, b->fields, fields);
    char *bytes = (char *)block->fields + fields;
    if (b->used) memcpy(bytes, b->bytes, b->used);
    block->index.fields = block->fields;
    block->index.bytes = bytes;
    block->index.size = (uint32_t)b->used;
    return block;
}
