#ifndef POLYPHONY_WEBSOCKET_H
#define POLYPHONY_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

/*
 * Frames of WebSockets (RFC 6455, section 5) as a server reads and writes them: bytes in, events
 * out. Pure C: no Ruby, no memory of its own but the struct; the caller holds the payloads.
 */

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10
};

enum ws_event {
    WS_MORE,    /* all bytes are used */
    WS_PAYLOAD, /* bytes of a message: take them by ws_take */
    WS_MESSAGE, /* a message is complete */
    WS_CONTROL, /* a control frame is complete: opcode, control */
    WS_FAILED   /* code, reason: there is nothing more to be read */
};

#define WS_CONTROL_MAX 125
#define WS_HEAD_MAX 10 /* of a frame that is not masked */

/* Text, byte by byte: how many bytes of a character are missing, and the bounds of the next. */
struct ws_utf8 {
    uint8_t need, low, high;
};

struct ws_decoder {
    uint64_t max_message; /* bytes */
    uint32_t max_frames;  /* of one message */
    int compression;      /* whether the first frame of a message may have RSV1 */

    enum { WS_START, WS_LENGTH, WS_MASK, WS_IN_PAYLOAD } stage;
    uint8_t head[14];
    unsigned have;
    uint64_t left; /* of the frame's payload */
    int fin, opcode;
    uint8_t mask[4];
    unsigned mask_at;

    int message, compressed; /* the message's opcode, or 0 between two of them */
    uint64_t size;           /* announced so far */
    uint32_t frames;
    struct ws_utf8 utf8;

    uint8_t control[WS_CONTROL_MAX];
    unsigned control_size;

    int code;
    const char *reason;
};

/* Reads on. *used bytes are done with. After WS_PAYLOAD the caller must ws_take what there is, at
   most `left` bytes of it. */
enum ws_event ws_next(struct ws_decoder *d, const uint8_t *bytes, size_t size, size_t *used);

/* Unmasks and, of text, checks what is copied. Returns 0 where text is none: see code. */
int ws_take(struct ws_decoder *d, uint8_t *to, const uint8_t *from, size_t size);

/* Of a close frame that has been read: its code, 1005 without one. */
int ws_close_code(const struct ws_decoder *d);

/* Returns 0 at the first byte that cannot be. The text may end where `need` is 0. */
int ws_utf8_check(struct ws_utf8 *state, const uint8_t *bytes, size_t size);

/* Writes what comes before a payload. Returns how many bytes that is. */
unsigned ws_put_head(uint8_t *to, int opcode, int rsv1, uint64_t size);

#endif
