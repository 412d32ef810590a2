#include "http2.h"
#include <stdlib.h>
#include <string.h>

/*
 * Memory of streams and of nghttp2, which takes and frees many small pieces for each request: more
 * than malloc has at hand. They are kept by size, for all sessions of the process; callers hold a
 * lock (Ruby's). With a sanitizer there is malloc only, so that it sees what is wrong.
 */

#define STEP 64
#define CLASSES 17 /* the last: more than STEP * 16 bytes */
#define KEPT (2u << 20)

struct piece {
    struct piece *next;
    size_t class; /* before the bytes, which begin behind it */
};
#define HEAD sizeof(struct piece)

static struct piece *kept[CLASSES];
static size_t kept_bytes;

#if defined(__SANITIZE_ADDRESS__) || defined(POLYPHONY_DEBUG)
#define KEEPING 0
#else
#define KEEPING 1
#endif

static size_t class_of(size_t size)
{
    size_t class = size ? (size - 1) / STEP : 0;
    return KEEPING && class < CLASSES - 1 ? class : CLASSES - 1;
}

static size_t size_of(size_t class)
{
    return (class + 1) * STEP;
}

void *http2_malloc(size_t size)
{
    size_t class = class_of(size);
    struct piece *piece = kept[class];
    if (piece) {
        kept[class] = piece->next;
        kept_bytes -= size_of(class);
        return piece + 1;
    }
    if (size > SIZE_MAX - HEAD) return NULL;
    piece = malloc(HEAD + (class == CLASSES - 1 ? size : size_of(class)));
    if (!piece) return NULL;
    piece->class = class;
    return piece + 1;
}

void *http2_calloc(size_t count, size_t size)
{
    if (size && count > (SIZE_MAX - HEAD) / size) return NULL;
    void *bytes = http2_malloc(count * size);
    return bytes ? memset(bytes, 0, count * size) : NULL;
}

void http2_mfree(void *bytes)
{
    if (!bytes) return;
    struct piece *piece = (struct piece *)bytes - 1;
    size_t class = piece->class;
    if (class == CLASSES - 1 || kept_bytes + size_of(class) > KEPT) {
        free(piece);
        return;
    }
    piece->next = kept[class];
    kept[class] = piece;
    kept_bytes += size_of(class);
}

void *http2_realloc(void *bytes, size_t size)
{
    if (!bytes) return http2_malloc(size);
    struct piece *piece = (struct piece *)bytes - 1;
    if (piece->class == CLASSES - 1) {
        if (size > SIZE_MAX - HEAD) return NULL;
        piece = realloc(piece, HEAD + size); /* it stays one of the large ones */
        return piece ? piece + 1 : NULL;
    }
    if (size <= size_of(piece->class)) return bytes;
    void *larger = http2_malloc(size);
    if (!larger) return NULL;
    memcpy(larger, bytes, size_of(piece->class));
    http2_mfree(bytes);
    return larger;
}

static void *mem_malloc(size_t size, void *user)
{
    (void)user;
    return http2_malloc(size);
}

static void mem_free(void *bytes, void *user)
{
    (void)user;
    http2_mfree(bytes);
}

static void *mem_calloc(size_t count, size_t size, void *user)
{
    (void)user;
    return http2_calloc(count, size);
}

static void *mem_realloc(void *bytes, size_t size, void *user)
{
    (void)user;
    return http2_realloc(bytes, size);
}

nghttp2_mem *http2_memory(void)
{
    static nghttp2_mem memory = {NULL, mem_malloc, mem_free, mem_calloc, mem_realloc};
    return &memory;
}
