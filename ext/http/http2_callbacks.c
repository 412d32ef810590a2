#include "http2.h"
#include <stdio.h>
#include <string.h>

/* What nghttp2 calls. */

/* --- ids that were used --- */

static int bit(const uint8_t *bits, int32_t id)
{
    unsigned at = ((uint32_t)id >> 1) % HTTP2_REMEMBERED;
    return bits[at / 8] >> at % 8 & 1;
}

static void set_bit(uint8_t *bits, int32_t id, int on)
{
    unsigned at = ((uint32_t)id >> 1) % HTTP2_REMEMBERED;
    bits[at / 8] = (uint8_t)((bits[at / 8] & ~(1u << at % 8)) | (unsigned)on << at % 8);
}

static int remembered(const struct http2_session *h, int32_t id)
{
    return id & 1 && id <= h->last_id && h->last_id - id < 2 * HTTP2_REMEMBERED;
}

/* Ids between the last one and this are idle for ever. */
static void remember(struct http2_session *h, int32_t id)
{
    int32_t first = h->last_id + 1;
    if (id - first >= 2 * HTTP2_REMEMBERED) first = id - 2 * HTTP2_REMEMBERED + 2;
    for (int32_t i = first | 1; i < id; i += 2) {
        set_bit(h->opened, i, 0);
        set_bit(h->reset, i, 0);
    }
    set_bit(h->opened, id, 1);
    set_bit(h->reset, id, 0);
    h->last_id = id;
}

static struct http2_stream *find(struct http2_session *h, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h->session, id);
}

int http2_reset(struct http2_session *h, int32_t id, uint32_t code)
{
    struct http2_stream *s = find(h, id);
    if (s) {
        if (s->reset_by_us) return 0;
        s->reset_by_us = 1;
    }
    return nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id, code);
}

/* --- frames come --- */

/* Frames for a stream that is over. Those that may still be on their way, when we have reset it,
   are left alone. */
int http2_check_closed(struct http2_session *h, int32_t id)
{
    if (!remembered(h, id) || find(h, id) || bit(h->reset, id)) return 0;
    if (!bit(h->opened, id))
        return http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "a stream id lower than an earlier one");
    return http2_fail(h, NGHTTP2_STREAM_CLOSED, "a frame for a stream that is closed");
}

static int meter(struct http2_session *h, enum http2_kind kind)
{
    if (!http2_too_many(h, kind)) return 0;
    return http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, http2_flood_of(kind));
}

#define LONGEST_FRAME 16384 /* SETTINGS_MAX_FRAME_SIZE is left alone */

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *user)
{
    struct http2_session *h = user;
    (void)session;
    if (h->failed) return NGHTTP2_ERR_CALLBACK_FAILURE;
    int empty = hd->length == 0;
    switch (hd->type) {
    case NGHTTP2_DATA:
        if (hd->length <= 1 && (empty || hd->flags & NGHTTP2_FLAG_PADDED) &&
            !(hd->flags & NGHTTP2_FLAG_END_STREAM) && meter(h, HTTP2_EMPTY_FRAMES))
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        return 0; /* see http2_scan.c */
    case NGHTTP2_HEADERS:
        if (empty && !(hd->flags & NGHTTP2_FLAG_END_HEADERS) && meter(h, HTTP2_EMPTY_FRAMES))
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        return http2_check_closed(h, hd->stream_id);
    case NGHTTP2_CONTINUATION:
        if (hd->length > LONGEST_FRAME)
            return http2_fail(h, NGHTTP2_FRAME_SIZE_ERROR, "a frame that is too long");
        if (++h->builder.frames > h->limits.continuations)
            return http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "flood of CONTINUATION frames");
        return empty ? meter(h, HTTP2_EMPTY_FRAMES) : 0;
    case NGHTTP2_RST_STREAM: /* counted when it ends a request: see on_stream_close */
        return find(h, hd->stream_id) ? 0 : meter(h, HTTP2_RESETS);
    case NGHTTP2_PING:
        return meter(h, HTTP2_PINGS); /* answers, too: we hardly ask */
    case NGHTTP2_SETTINGS:
        return meter(h, HTTP2_SETTINGS);
    case NGHTTP2_PRIORITY:
    case 0x10: /* PRIORITY_UPDATE */
        return meter(h, HTTP2_PRIORITIES);
    case NGHTTP2_WINDOW_UPDATE:
        return meter(h, HTTP2_WINDOW_UPDATES);
    default: /* GOAWAY, and what nobody knows */
        return meter(h, HTTP2_EMPTY_FRAMES);
    }
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2_session *h = user;
    int32_t id = frame->hd.stream_id;
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    int is_new = frame->headers.cat == NGHTTP2_HCAT_REQUEST;
    size_t frames = h->builder.open ? h->builder.frames : 0;
    http2_builder_start(&h->builder, !is_new);
    h->builder.frames = frames;
    if (!is_new) return 0;
    remember(h, id);
    /* Handlers may still be at work for streams that the client has reset. */
    if (h->serving >= 2 * h->limits.streams) {
        nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    struct http2_stream *s = http2_stream_open(h, id);
    if (!s) return NGHTTP2_ERR_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(session, id, s);
    http2_credit(h, HTTP2_PRIORITIES, 2);
    http2_credit(h, HTTP2_WINDOW_UPDATES, 2);
    return 0;
}

/* Fields that we keep no more of still have to be decoded, but not for ever. */
#define TIMES_TOO_LONG 16

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *user)
{
    struct http2_session *h = user;
    (void)session;
    (void)flags;
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    if (http2_builder_add(&h->builder, &h->limits, (const char *)name, name_size,
                          (const char *)value, value_size))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    if (h->builder.list_size > TIMES_TOO_LONG * h->limits.head)
        return http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "header fields without end (HPACK bomb)");
    return 0;
}

/* nghttp2 would leave the field out, and let the request pass. */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_size, const uint8_t *value,
                             size_t value_size, uint8_t flags, void *user)
{
    struct http2_session *h = user;
    (void)name, (void)name_size, (void)value, (void)value_size, (void)flags, (void)session;
    http2_complain(h, frame->hd.stream_id, "malformed request: invalid header field");
    http2_reset(h, frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int malformed(struct http2_session *h, struct http2_stream *s, const char *reason)
{
    http2_complain(h, s->id, reason);
    http2_reset(h, s->id, NGHTTP2_PROTOCOL_ERROR);
    return 0;
}

static int on_request(struct http2_session *h, struct http2_stream *s, int ended)
{
    struct http1_head index;
    const char *reason = NULL;
    s->ended = ended != 0;
    int status = http2_check_request(&h->builder, &h->limits, &index, ended, &reason);
    if (status < 0) return malformed(h, s, reason);
    if (status) {
        memset(&index, 0, sizeof(index));
        index.minor = 2;
    }
    s->refusal = (uint16_t)status;
    s->reason = reason;
    s->is_head = index.method == HTTP_HEAD;
    s->is_connect = index.method == HTTP_CONNECT;
    s->head = http2_builder_block(&h->builder, &index);
    if (!s->head) return NGHTTP2_ERR_CALLBACK_FAILURE;
    http2_wait(h, s);
    return 0;
}

static int on_trailers(struct http2_session *h, struct http2_stream *s)
{
    struct http1_head index;
    const char *reason = NULL;
    int status = http2_check_trailers(&h->builder, &h->limits, &index, &reason);
    if (status < 0) return malformed(h, s, reason);
    s->ended = 1;
    if (status) {
        s->refusal = (uint16_t)status;
        s->reason = reason;
    } else if (!s->left && index.count > 0) {
        s->trailers = http2_builder_block(&h->builder, &index);
        if (!s->trailers) return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (s->wants_input) http2_news(s);
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2_session *h = user;
    struct http2_stream *s;
    (void)session;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        h->builder.open = 0;
        h->builder.frames = 0;
        s = find(h, frame->hd.stream_id);
        if (!s || s->reset_by_us) return 0;
        if (s->head) return on_trailers(h, s);
        return on_request(h, s, frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
    case NGHTTP2_DATA:
        if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
        s = find(h, frame->hd.stream_id);
        if (!s) return 0;
        s->ended = 1;
        if (s->wants_input) http2_news(s);
        return 0;
    case NGHTTP2_PING:
        if (frame->hd.flags & NGHTTP2_FLAG_ACK) h->pongs++;
        return 0;
    default:
        return 0;
    }
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t size, void *user)
{
    struct http2_session *h = user;
    struct http2_stream *s = find(h, id);
    (void)flags;
    if (!s || s->left || s->reset_by_us || s->refusal) {
        nghttp2_session_consume_connection(session, size); /* more of it is not wanted */
        if (s) s->body_bytes += size;
        if (s) http2_refuse_rest(s);
        return 0;
    }
    s->body_bytes += size;
    if (s->body_bytes > h->limits.body) {
        s->refusal = 413;
        s->reason = "the body is longer than allowed";
        http2_body_discard(s);
        nghttp2_session_consume_connection(session, size);
    } else if (http2_body_append(s, (const char *)bytes, size)) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (s->wants_input) http2_news(s);
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *user)
{
    struct http2_session *h = user;
    (void)session;
    (void)error;
    http2_complain(h, frame->hd.stream_id, "malformed request, or a frame that is out of place");
    return 0;
}

/* What nghttp2 says may have bytes of the client's in it: nothing of them is to forge a log. */
static void keep_reason(struct http2_session *h, const char *text, size_t size)
{
    snprintf(h->reason, sizeof(h->reason), "%.*s", (int)size, text);
    for (char *c = h->reason; *c; c++)
        if (*c < ' ' || *c > '~') *c = '?';
}

static int on_error(nghttp2_session *session, int error, const char *message, size_t size,
                    void *user)
{
    struct http2_session *h = user;
    (void)session;
    (void)error;
    if (!h->failed) keep_reason(h, message, size);
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct http2_session *h = user;
    struct http2_stream *s = find(h, id);
    if (!s) return 0;
    nghttp2_session_set_stream_user_data(session, id, NULL);
    int by_client = code != NGHTTP2_NO_ERROR && !bit(h->reset, id);
    http2_stream_closed(s, code);
    /* Only from within nghttp2_session_mem_recv may this end the connection. */
    return by_client && !h->is_sending ? meter(h, HTTP2_RESETS) : 0;
}

/* --- frames go --- */

static int on_frame_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct http2_session *h = user;
    struct http2_stream *s;
    uint32_t code;
    (void)session;
    switch (frame->hd.type) {
    case NGHTTP2_GOAWAY:
        code = frame->goaway.error_code;
        if (code != NGHTTP2_NO_ERROR && !h->failed) { /* nghttp2's own decision */
            h->failed = 1;
            h->error_code = code;
            if (!h->reason[0] && frame->goaway.opaque_data_len)
                keep_reason(h, (const char *)frame->goaway.opaque_data,
                            frame->goaway.opaque_data_len);
        }
        return 0;
    case NGHTTP2_RST_STREAM:
        code = frame->rst_stream.error_code;
        if (remembered(h, frame->hd.stream_id)) set_bit(h->reset, frame->hd.stream_id, 1);
        /* What the client has provoked counts as if it had reset the stream itself. */
        if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_CANCEL && code != NGHTTP2_INTERNAL_ERROR &&
            http2_too_many(h, HTTP2_RESETS))
            http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, http2_flood_of(HTTP2_RESETS));
        return 0;
    case NGHTTP2_HEADERS:
    case NGHTTP2_DATA:
        h->progress++;
        http2_credit(h, HTTP2_WINDOW_UPDATES, 2);
        if (!(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
        s = find(h, frame->hd.stream_id);
        if (!s) return 0;
        s->sent_end = 1;
        http2_refuse_rest(s);
        return 0;
    default:
        return 0;
    }
}

static int send_data(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *head,
                     size_t length, nghttp2_data_source *source, void *user)
{
    struct http2_session *h = user;
    struct http2_stream *s = source->ptr;
    (void)session;
    (void)frame;
    /* Or nghttp2 would go on with all that there is, and what comes later wait behind it. */
    if (h->out->size >= h->enough) return NGHTTP2_ERR_WOULDBLOCK;
    if (!http1_reserve(h->out, 9 + length)) return NGHTTP2_ERR_CALLBACK_FAILURE;
    http1_put(h->out, (const char *)head, 9);
    size_t at = s->first_at, left = length;
    for (size_t i = s->first; left > 0; i++, at = 0) {
        size_t size = s->pieces[i].size - at;
        if (size > left) size = left;
        http1_put(h->out, s->pieces[i].bytes + at, size);
        left -= size;
    }
    http2_pop(s, length);
    return 0;
}

nghttp2_session_callbacks *http2_callbacks(void)
{
    static nghttp2_session_callbacks *callbacks;
    if (callbacks) return callbacks;
    nghttp2_session_callbacks *c;
    if (nghttp2_session_callbacks_new(&c)) return NULL;
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(c, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(c, on_invalid_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_sent);
    nghttp2_session_callbacks_set_send_data_callback(c, send_data);
    nghttp2_session_callbacks_set_error_callback2(c, on_error);
    return callbacks = c;
}
