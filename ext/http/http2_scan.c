#include "http2.h"
#include <string.h>

/*
 * The heads of frames, before nghttp2 sees them: what it leaves out without a word is an error of
 * the client's nevertheless. That are DATA for streams that are over (it would have to remember
 * them), PRIORITY (which our settings turn off), and CONTINUATION of any length. Frames of unknown
 * types are no error, but there can be too many of them.
 */

#define PREFACE 24
#define HEAD 9
#define PRIORITY_SIZE 5
#define PRIORITY_UPDATE 0x10
#define FRAME_SIZE 16384 /* our SETTINGS_MAX_FRAME_SIZE */

void http2_scan_start(struct http2_scan *scan)
{
    memset(scan, 0, sizeof(*scan));
    scan->skip = PREFACE;
}

static size_t length_of(const struct http2_scan *scan)
{
    return (size_t)scan->head[0] << 16 | (size_t)scan->head[1] << 8 | scan->head[2];
}

static int32_t stream_at(const uint8_t *bytes)
{
    return (int32_t)((uint32_t)(bytes[0] & 0x7f) << 24 | (uint32_t)bytes[1] << 16 |
                     (uint32_t)bytes[2] << 8 | bytes[3]);
}

static size_t wanted(const struct http2_scan *scan)
{
    int whole = scan->have >= HEAD && scan->head[3] == NGHTTP2_PRIORITY;
    return whole && length_of(scan) == PRIORITY_SIZE ? HEAD + PRIORITY_SIZE : HEAD;
}

static int is_suspect(const struct http2_scan *scan, size_t size)
{
    switch (scan->head[3]) {
    case NGHTTP2_DATA:
        return 1;
    case NGHTTP2_CONTINUATION:
        return length_of(scan) > FRAME_SIZE;
    case NGHTTP2_PRIORITY:
        return size == HEAD + PRIORITY_SIZE;
    default:
        return scan->head[3] > NGHTTP2_CONTINUATION && scan->head[3] != PRIORITY_UPDATE;
    }
}

size_t http2_scan(struct http2_scan *scan, const uint8_t *bytes, size_t size, size_t *before)
{
    size_t at = 0;
    scan->suspect = 0;
    while (at < size) {
        if (scan->skip > 0) {
            size_t step = scan->skip < size - at ? scan->skip : size - at;
            scan->skip -= step;
            at += step;
            continue;
        }
        scan->head[scan->have++] = bytes[at++];
        size_t have = scan->have;
        if (have < wanted(scan)) continue;
        scan->skip = length_of(scan) - (have - HEAD);
        scan->have = 0;
        if (!is_suspect(scan, have)) continue;
        scan->suspect = 1;
        *before = at > have ? at - have : 0;
        break;
    }
    return at;
}

/* Whatever came before the frame has been looked at. */
int http2_check_suspect(struct http2_session *h)
{
    const uint8_t *head = h->scan.head;
    int32_t stream = stream_at(head + 5);
    switch (head[3]) {
    case NGHTTP2_DATA:
        return http2_check_closed(h, stream);
    case NGHTTP2_CONTINUATION:
        return http2_fail(h, NGHTTP2_FRAME_SIZE_ERROR, "a frame of CONTINUATION that is too long");
    case NGHTTP2_PRIORITY:
        if (stream == 0) return http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "PRIORITY on stream 0");
        if (stream != stream_at(head + HEAD)) return 0;
        return http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "a stream that depends on itself");
    default:
        if (!http2_too_many(h, HTTP2_EMPTY_FRAMES)) return 0;
        return http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "flood of frames of unknown types");
    }
}
