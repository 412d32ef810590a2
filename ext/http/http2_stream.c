#include "http2.h"
#include <stdlib.h>
#include <string.h>

/* --- from its head to its end --- */

struct http2_stream *http2_stream_open(struct http2_session *h, int32_t id)
{
    struct http2_stream *s = http2_calloc(1, sizeof(*s));
    if (!s) return NULL;
    s->session = h;
    s->id = id;
    s->pieces = s->few;
    s->room = HTTP2_FEW;
    s->next = h->streams;
    if (s->next) s->next->previous = s;
    h->streams = s;
    h->serving++;
    return s;
}

static void unlink_news(struct http2_stream *s)
{
    struct http2_stream **at = &s->session->news;
    while (*at && *at != s) at = &(*at)->next_news;
    if (*at) *at = s->next_news;
    s->has_news = 0;
}

static void unlink_waiting(struct http2_stream *s)
{
    struct http2_session *h = s->session;
    struct http2_stream **at = &h->waiting, *before = NULL;
    while (*at && *at != s) {
        before = *at;
        at = &(*at)->next_waiting;
    }
    if (*at) *at = s->next_waiting;
    if (h->last_waiting == s) h->last_waiting = before;
    s->waiting = 0;
}

static void free_trailers(struct http2_stream *s)
{
    free(s->trailer_nv);
    s->trailer_nv = NULL;
}

void http2_stream_free(struct http2_stream *s)
{
    struct http2_session *h = s->session;
    if (!s->left) h->serving--;
    if (s->waiting) unlink_waiting(s);
    if (s->has_news) unlink_news(s);
    if (s->previous)
        s->previous->next = s->next;
    else
        h->streams = s->next;
    if (s->next) s->next->previous = s->previous;
    if (s->pieces != s->few) free(s->pieces);
    free_trailers(s);
    free(s->body);
    http2_mfree(s->head);
    http2_mfree(s->trailers);
    http2_mfree(s);
}

void http2_wait(struct http2_session *h, struct http2_stream *s)
{
    s->waiting = 1;
    if (h->last_waiting)
        h->last_waiting->next_waiting = s;
    else
        h->waiting = s;
    h->last_waiting = s;
    h->requests++;
}

struct http2_stream *http2_take(struct http2_session *h)
{
    struct http2_stream *s = h->waiting;
    if (!s) return NULL;
    h->waiting = s->next_waiting;
    if (!h->waiting) h->last_waiting = NULL;
    s->next_waiting = NULL;
    s->waiting = 0;
    return s;
}

void http2_news(struct http2_stream *s)
{
    s->wants_input = s->wants_room = 0;
    if (s->has_news || !s->exchange) return;
    s->has_news = 1;
    s->next_news = s->session->news;
    s->session->news = s;
}

void http2_stream_closed(struct http2_stream *s, uint32_t code)
{
    s->closed = 1;
    s->reset_code = code;
    http2_drop_pieces(s);
    if (s->waiting || s->left || !s->head)
        http2_stream_free(s); /* nobody serves it */
    else
        http2_news(s);
}

void http2_abort(struct http2_stream *s, uint32_t code)
{
    if (s->closed || s->aborted) return;
    s->aborted = 1;
    s->abort_code = code;
    if (!s->started || s->bodyless) {
        http2_reset(s->session, s->id, code);
        return;
    }
    s->finished = 0; /* see http2_read_pieces */
    http2_resume(s);
}

/* After the answer, a client that goes on sending its body is told that nobody reads it (RFC 9113,
   8.1), before it has to wait for a window. One that has sent little is left alone: it may be done
   soon, and its next frame may be an error that it is to hear of. */
void http2_refuse_rest(struct http2_stream *s)
{
    if (s->left && s->sent_end && !s->ended && !s->reset_by_us &&
        s->body_bytes > s->session->limits.stream_window / 2)
        http2_reset(s->session, s->id, NGHTTP2_NO_ERROR);
}

void http2_release(struct http2_stream *s)
{
    struct http2_session *h = s->session;
    if (s->left) return;
    s->left = 1;
    s->exchange = 0;
    h->serving--;
    if (s->has_news) unlink_news(s);
    http2_body_discard(s);
    if (s->closed)
        http2_stream_free(s);
    else if (!s->finished || !s->started)
        http2_abort(s, NGHTTP2_INTERNAL_ERROR);
    else
        http2_refuse_rest(s);
}

/* --- the body of the request --- */

static void consume(struct http2_stream *s, size_t size)
{
    if (size == 0) return;
    if (s->closed || s->left)
        nghttp2_session_consume_connection(s->session->session, size);
    else
        nghttp2_session_consume(s->session->session, s->id, size);
}

#define FIRST_BODY 1024

int http2_body_append(struct http2_stream *s, const char *bytes, size_t size)
{
    size_t have = s->body_end - s->body_at;
    if (s->body_at > 0 && s->body_capacity - s->body_end < size) {
        memmove(s->body, s->body + s->body_at, have);
        s->body_at = 0;
        s->body_end = have;
    }
    if (s->body_capacity - s->body_end < size) {
        size_t capacity = s->body_capacity ? s->body_capacity : FIRST_BODY;
        while (capacity - have < size) capacity *= 2;
        char *body = realloc(s->body, capacity);
        if (!body) return -1;
        s->body = body;
        s->body_capacity = capacity;
    }
    memcpy(s->body + s->body_end, bytes, size);
    s->body_end += size;
    return 0;
}

static void free_body(struct http2_stream *s)
{
    free(s->body);
    s->body = NULL;
    s->body_at = s->body_end = s->body_capacity = 0;
}

size_t http2_body_read(struct http2_stream *s, char *into, size_t room)
{
    size_t have = s->body_end - s->body_at;
    if (have > room) have = room;
    if (have == 0) return 0;
    memcpy(into, s->body + s->body_at, have);
    s->body_at += have;
    if (s->body_at == s->body_end) {
        s->body_at = s->body_end = 0;
        if (s->ended) free_body(s);
    }
    consume(s, have);
    return have;
}

#define TIMES_WIDER 4

void http2_widen(struct http2_stream *s)
{
    size_t window = s->session->limits.stream_window;
    if (s->widened || window > INT32_MAX / TIMES_WIDER) return;
    s->widened = 1;
    nghttp2_session_set_local_window_size(s->session->session, NGHTTP2_FLAG_NONE, s->id,
                                          (int32_t)window * TIMES_WIDER);
}

void http2_body_discard(struct http2_stream *s)
{
    consume(s, s->body_end - s->body_at);
    free_body(s);
}

/* --- the body of the answer --- */

int http2_push(struct http2_stream *s, const char *bytes, size_t size, uintptr_t owner)
{
    if (size == 0) return 0;
    if (s->first + s->count == s->room && s->first > 0) {
        memmove(s->pieces, s->pieces + s->first, s->count * sizeof(*s->pieces));
        s->first = 0;
    }
    if (s->count == s->room) {
        size_t room = s->room * 4;
        struct http2_piece *pieces =
            realloc(s->pieces == s->few ? NULL : s->pieces, room * sizeof(*pieces));
        if (!pieces) return -1;
        if (s->pieces == s->few) memcpy(pieces, s->few, sizeof(s->few));
        s->pieces = pieces;
        s->room = room;
    }
    if (s->queued == 0) s->moved = 1;
    s->pieces[s->first + s->count++] = (struct http2_piece){bytes, size, owner};
    s->queued += size;
    return 0;
}

void http2_pop(struct http2_stream *s, size_t size)
{
    s->queued -= size;
    s->moved = 1;
    while (size > 0) {
        struct http2_piece *piece = &s->pieces[s->first];
        size_t rest = piece->size - s->first_at;
        if (rest > size) {
            s->first_at += size;
            break;
        }
        size -= rest;
        s->first_at = 0;
        s->first++;
        s->count--;
    }
    if (s->count == 0) s->first = 0;
    if (s->wants_room && s->queued <= HTTP2_LOW) http2_news(s);
}

void http2_drop_pieces(struct http2_stream *s)
{
    s->first = s->count = s->first_at = s->queued = 0;
    free_trailers(s);
}

void http2_resume(struct http2_stream *s)
{
    if (!s->deferred || s->closed) return;
    s->deferred = 0;
    nghttp2_session_resume_data(s->session->session, s->id);
}

ssize_t http2_read_pieces(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length,
                          uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct http2_stream *s = source->ptr;
    (void)buffer;
    (void)user;
    if (s->queued == 0 && !s->finished) {
        if (s->aborted) http2_reset(s->session, id, s->abort_code);
        s->deferred = 1;
        return NGHTTP2_ERR_DEFERRED;
    }
    size_t size = s->queued < length ? s->queued : length;
    if (size > 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (size == s->queued && s->finished) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (s->trailer_nv) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            int error = nghttp2_submit_trailer(session, id, s->trailer_nv, s->trailer_count);
            free_trailers(s);
            if (error) return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    return (ssize_t)size;
}
