#include "websocket.h"
#include <string.h>

static enum ws_event fail(struct ws_decoder *d, int code, const char *reason)
{
    d->code = code;
    d->reason = reason;
    return WS_FAILED;
}

/* How many bytes the head of the frame has, as far as can be told. */
static unsigned head_size(const struct ws_decoder *d)
{
    if (d->have < 2) return 2;
    unsigned length = d->head[1] & 0x7f;
    return 6 + (length == 126 ? 2 : length == 127 ? 8 : 0);
}

static uint64_t number(const uint8_t *bytes, unsigned size)
{
    uint64_t n = 0;
    while (size--) n = n << 8 | *bytes++;
    return n;
}

static const char *mistake_in_control(const struct ws_decoder *d)
{
    if (!d->fin) return "a control frame is fragmented";
    if ((d->head[1] & 0x7f) > WS_CONTROL_MAX) return "a control frame is longer than 125 bytes";
    return NULL;
}

/* What can be wrong with the first two bytes, said as soon as they are there. */
static const char *mistake_in_start(const struct ws_decoder *d)
{
    int rsv = d->head[0] & 0x70, opcode = d->opcode;
    int starts = opcode == WS_TEXT || opcode == WS_BINARY;
    if (rsv && !(rsv == 0x40 && d->compression && starts)) return "reserved bits are set";
    if (opcode > WS_PONG || (opcode > WS_BINARY && opcode < WS_CLOSE)) return "unknown opcode";
    if (!(d->head[1] & 0x80)) return "a frame is not masked";
    if (opcode >= WS_CLOSE) return mistake_in_control(d);
    if (starts && d->message) return "a message begins before the last one has ended";
    if (!starts && !d->message) return "nothing is there to be continued";
    return NULL;
}

static enum ws_event begin_data(struct ws_decoder *d)
{
    if (d->opcode != WS_CONTINUATION) {
        d->message = d->opcode;
        d->compressed = d->head[0] & 0x40;
        d->size = d->frames = 0;
        d->utf8 = (struct ws_utf8){0, 0, 0};
    }
    if (d->left > d->max_message || d->size > d->max_message - d->left)
        return fail(d, 1009, "a message is longer than allowed");
    if (++d->frames > d->max_frames) return fail(d, 1008, "a message has more frames than allowed");
    d->size += d->left;
    return WS_MORE;
}

/* The length, and what is to be said about it before the mask is there. */
static enum ws_event read_length(struct ws_decoder *d)
{
    unsigned length = d->head[1] & 0x7f, size = head_size(d) - 6;
    d->left = size ? number(d->head + 2, size) : length;
    if (length == 127 && d->left >> 63) return fail(d, 1002, "a length has its highest bit set");
    if ((length == 126 && d->left < 126) || (length == 127 && d->left < 65536))
        return fail(d, 1002, "a length has more bytes than it needs");
    if (d->opcode < WS_CLOSE) return begin_data(d);
    d->control_size = 0;
    return WS_MORE;
}

/* Takes bytes for the head until there are so many. */
static int gather(struct ws_decoder *d, unsigned need, const uint8_t *bytes, size_t size,
                  size_t *used)
{
    while (d->have < need && *used < size) d->head[d->have++] = bytes[(*used)++];
    return d->have == need;
}

static enum ws_event read_head(struct ws_decoder *d, const uint8_t *bytes, size_t size,
                               size_t *used)
{
    if (d->stage == WS_START) {
        if (!gather(d, 2, bytes, size, used)) return WS_MORE;
        d->fin = d->head[0] >> 7;
        d->opcode = d->head[0] & 0x0f;
        const char *mistake = mistake_in_start(d);
        if (mistake) return fail(d, 1002, mistake);
        d->stage = WS_LENGTH;
    }
    unsigned whole = head_size(d);
    if (d->stage == WS_LENGTH) {
        if (!gather(d, whole - 4, bytes, size, used)) return WS_MORE;
        if (read_length(d) == WS_FAILED) return WS_FAILED;
        d->stage = WS_MASK;
    }
    if (!gather(d, whole, bytes, size, used)) return WS_MORE;
    memcpy(d->mask, d->head + whole - 4, 4);
    d->mask_at = 0;
    d->stage = WS_IN_PAYLOAD;
    return WS_MORE;
}

static void unmask(struct ws_decoder *d, uint8_t *to, const uint8_t *from, size_t size)
{
    size_t i = 0;
    uint8_t key[8];
    uint64_t wide, word;
    for (unsigned k = 0; k < 8; k++) key[k] = d->mask[(d->mask_at + k) & 3];
    memcpy(&wide, key, 8);
    for (; i + 8 <= size; i += 8) {
        memcpy(&word, from + i, 8);
        word ^= wide;
        memcpy(to + i, &word, 8);
    }
    for (; i < size; i++) to[i] = from[i] ^ key[i & 7];
    d->mask_at = (d->mask_at + size) & 3;
}

int ws_take(struct ws_decoder *d, uint8_t *to, const uint8_t *from, size_t size)
{
    unmask(d, to, from, size);
    d->left -= size;
    if (d->message != WS_TEXT || d->compressed || ws_utf8_check(&d->utf8, to, size)) return 1;
    fail(d, 1007, "a text is not UTF-8");
    return 0;
}

int ws_close_code(const struct ws_decoder *d)
{
    return d->control_size < 2 ? 1005 : d->control[0] << 8 | d->control[1];
}

static int code_may_be_sent(int code)
{
    if (code >= 3000) return code < 5000;
    return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}

static enum ws_event end_control(struct ws_decoder *d)
{
    if (d->opcode != WS_CLOSE || d->control_size == 0) return WS_CONTROL;
    if (d->control_size == 1) return fail(d, 1002, "a close frame has half a code");
    if (!code_may_be_sent(ws_close_code(d)))
        return fail(d, 1002, "a close frame has a code that must not be sent");
    struct ws_utf8 state = {0, 0, 0};
    if (!ws_utf8_check(&state, d->control + 2, d->control_size - 2) || state.need)
        return fail(d, 1007, "the reason of a close frame is not UTF-8");
    return WS_CONTROL;
}

static enum ws_event end_data(struct ws_decoder *d)
{
    if (!d->fin) return WS_MORE;
    if (d->message == WS_TEXT && !d->compressed && d->utf8.need)
        return fail(d, 1007, "a text ends within a character");
    d->opcode = d->message;
    d->message = 0;
    return WS_MESSAGE;
}

static enum ws_event end_frame(struct ws_decoder *d)
{
    d->stage = WS_START;
    d->have = 0;
    return d->opcode >= WS_CLOSE ? end_control(d) : end_data(d);
}

static void read_control(struct ws_decoder *d, const uint8_t *bytes, size_t size, size_t *used)
{
    size_t n = size - *used;
    if (n > d->left) n = (size_t)d->left;
    unmask(d, d->control + d->control_size, bytes + *used, n);
    d->control_size += (unsigned)n;
    d->left -= n;
    *used += n;
}

enum ws_event ws_next(struct ws_decoder *d, const uint8_t *bytes, size_t size, size_t *used)
{
    enum ws_event event = WS_MORE;
    *used = 0;
    if (d->code) return WS_FAILED;
    while (event == WS_MORE) {
        if (d->stage != WS_IN_PAYLOAD) {
            if (read_head(d, bytes, size, used) == WS_FAILED) return WS_FAILED;
            if (d->stage != WS_IN_PAYLOAD) return WS_MORE;
        }
        if (d->left && d->opcode >= WS_CLOSE) read_control(d, bytes, size, used);
        if (d->left) return *used < size ? WS_PAYLOAD : WS_MORE;
        event = end_frame(d);
    }
    return event;
}
