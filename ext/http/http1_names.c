#include "http1_names.h"
#include <string.h>
#include <stdint.h>

static const struct {
    const char *text;
    size_t size;
} names[] = {{"", 0},
#define X(id, name, sharing) {name, sizeof(name) - 1},
             HTTP1_NAMES(X)
#undef X
};

/* Open addressing, at most a quarter full. */
#define SLOTS 256
static uint8_t slots[SLOTS];

/* A name's bytes with bit 5 set: that makes letters lower case and leaves '-' and digits as they
 * are. */
static unsigned hash(const char *name, size_t size)
{
    const unsigned char *n = (const unsigned char *)name;
    unsigned first = n[0] | 0x20u, middle = n[size / 2] | 0x20u, last = n[size - 1] | 0x20u;
    return (unsigned)(size * 31 + first * 7 + middle * 131 + last * 17) % SLOTS;
}

static int same(const char *name, const char *lower, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if ((name[i] | 0x20) != lower[i]) return 0;
    return 1;
}

void http1_names_setup(void)
{
    memset(slots, 0, sizeof(slots));
    for (unsigned id = 1; id < HTTP1_NAME_COUNT; id++) {
        unsigned slot = hash(names[id].text, names[id].size);
        while (slots[slot]) slot = (slot + 1) % SLOTS;
        slots[slot] = (uint8_t)id;
    }
}

unsigned http1_name_find(const char *name, size_t size)
{
    for (unsigned slot = hash(name, size); slots[slot]; slot = (slot + 1) % SLOTS) {
        unsigned id = slots[slot];
        if (names[id].size == size && same(name, names[id].text, size)) return id;
    }
    return HTTP1_NAME_UNKNOWN;
}
