#include "http1.h"
#include <string.h>

/* RFC 9110, 5.6.2: what names of fields and methods are made of. */
const uint8_t http1_token[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1};

static inline int lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

int http1_same(const char *text, size_t size, const char *want)
{
    for (size_t i = 0; i < size; i++)
        if (!want[i] || lower((unsigned char)text[i]) != (unsigned char)want[i]) return 0;
    return want[size] == 0;
}

/* True when one of the elements of a comma-separated list is the token. */
int http1_has_token(const char *list, size_t size, const char *want)
{
    const char *at = list, *end = list + size;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end, *next = comma ? comma + 1 : end;
        while (at < stop && (*at == ' ' || *at == '\t')) at++;
        while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
        if (http1_same(at, (size_t)(stop - at), want)) return 1;
        at = next;
    }
    return 0;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Goes over the text of a field's value, and stops at the first control character that is no tab.
   Eight bytes at a time, as this is where most bytes of a head are. */
const char *http1_skip_text(const char *at, const char *end, uint16_t *high)
{
    uint64_t seen = 0;
    while (at < end) {
        uint64_t word, delete;
        while (end - at >= 8) {
            memcpy(&word, at, 8);
            delete = word ^ EACH(0x7f);
            if ((((word - EACH(0x20)) & ~word) | ((delete - EACH(1)) & ~delete)) & EACH(0x80))
                break;
            seen |= word;
            at += 8;
        }
        for (int i = 0; i < 8 && at < end; i++, at++) {
            unsigned char c = (unsigned char)*at;
            if (c < 0x20 ? c != '\t' : c == 0x7f) goto stop;
            seen |= c;
        }
    }
stop:
    *high = (seen & EACH(0x80)) != 0;
    return at;
}
