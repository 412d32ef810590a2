#include "websocket.h"
#include <string.h>

/* The first byte of a character says how many follow, and where the next must lie: so overlong
   forms, surrogates and what is beyond U+10FFFF are refused at their second byte. */
static int begin_character(struct ws_utf8 *state, uint8_t byte)
{
    state->low = 0x80;
    state->high = 0xbf;
    if (byte >= 0xc2 && byte <= 0xdf) {
        state->need = 1;
    } else if (byte >= 0xe0 && byte <= 0xef) {
        state->need = 2;
        if (byte == 0xe0) state->low = 0xa0;
        if (byte == 0xed) state->high = 0x9f;
    } else if (byte >= 0xf0 && byte <= 0xf4) {
        state->need = 3;
        if (byte == 0xf0) state->low = 0x90;
        if (byte == 0xf4) state->high = 0x8f;
    } else {
        return 0;
    }
    return 1;
}

static int all_ascii(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, 8);
    return !(word & 0x8080808080808080u);
}

int ws_utf8_check(struct ws_utf8 *state, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (state->need) {
            if (bytes[i] < state->low || bytes[i] > state->high) return 0;
            state->low = 0x80;
            state->high = 0xbf;
            state->need--;
            continue;
        }
        while (i + 8 <= size && all_ascii(bytes + i)) i += 8;
        if (i == size) break;
        if (bytes[i] >= 0x80 && !begin_character(state, bytes[i])) return 0;
    }
    return 1;
}
