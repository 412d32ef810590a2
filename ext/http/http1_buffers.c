#include "http1_buffers.h"
#include <stdlib.h>
#include <string.h>

/*
 * A connection needs a buffer from the first byte of a request to the last of it, and from the
 * making of a response to its being written: a few do for all connections, and stay in the
 * processor's cache. Callers hold a lock (Ruby's).
 */

#define KEPT 32

static char *kept[KEPT];
static unsigned kept_count;

char *http1_buffer_resize(char *bytes, size_t size, size_t *capacity)
{
    if (!bytes && size <= HTTP1_BUFFER) {
        bytes = kept_count > 0 ? kept[--kept_count] : malloc(HTTP1_BUFFER);
        if (bytes) *capacity = HTTP1_BUFFER;
        return bytes;
    }
    size_t larger = *capacity ? *capacity : HTTP1_BUFFER;
    while (larger < size) {
        if (larger > SIZE_MAX / 2) return NULL;
        larger *= 2;
    }
    bytes = realloc(bytes, larger);
    if (bytes) *capacity = larger;
    return bytes;
}

void http1_buffer_release(char *bytes, size_t capacity)
{
    if (capacity == HTTP1_BUFFER && kept_count < KEPT)
        kept[kept_count++] = bytes;
    else
        free(bytes);
}
