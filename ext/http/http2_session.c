#include "http2.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- beginning and end --- */

static nghttp2_option *options(const struct http2_limits *limits)
{
    nghttp2_option *option;
    if (nghttp2_option_new(&option)) return NULL;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_outbound_ack(option, limits->pings + limits->settings + 2);
#ifdef HAVE_NGHTTP2_OPTION_SET_SERVER_FALLBACK_RFC7540_PRIORITIES
    nghttp2_option_set_server_fallback_rfc7540_priorities(option, 1);
    nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
#endif
#ifdef HAVE_NGHTTP2_OPTION_SET_STREAM_RESET_RATE_LIMIT
    nghttp2_option_set_stream_reset_rate_limit(option, UINT32_MAX, UINT32_MAX); /* ours says why */
#endif
#ifdef HAVE_NGHTTP2_OPTION_SET_GLITCH_RATE_LIMIT
    nghttp2_option_set_glitch_rate_limit(option, UINT32_MAX, UINT32_MAX);
#endif
#ifdef HAVE_NGHTTP2_OPTION_SET_MAX_CONTINUATIONS
    /* It counts how often it was fed, not frames; ours counts frames. */
    nghttp2_option_set_max_continuations(option, SIZE_MAX);
#endif
    return option;
}

static int submit_settings(struct http2_session *h)
{
    const struct http2_limits *l = &h->limits;
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, (uint32_t)l->streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)l->stream_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, (uint32_t)l->head},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
#ifdef HAVE_NGHTTP2_OPTION_SET_SERVER_FALLBACK_RFC7540_PRIORITIES
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
#endif
    };
    return nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, settings,
                                   sizeof(settings) / sizeof(*settings)) ||
           nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                                 (int32_t)l->connection_window);
}

int http2_init(struct http2_session *h, const struct http2_limits *limits)
{
    memset(h, 0, sizeof(*h));
    h->limits = *limits;
    http2_meters_start(h);
    http2_scan_start(&h->scan);
    nghttp2_session_callbacks *callbacks = http2_callbacks();
    nghttp2_option *option = options(limits);
    int error = !callbacks || !option ||
                nghttp2_session_server_new3(&h->session, callbacks, h, option, http2_memory()) ||
                submit_settings(h);
    nghttp2_option_del(option);
    if (error) http2_free(h);
    return error ? -1 : 0;
}

void http2_free(struct http2_session *h)
{
    nghttp2_session_del(h->session);
    h->session = NULL;
    while (h->streams) http2_stream_free(h->streams);
    http2_builder_free(&h->builder);
}

/* --- failures --- */

int http2_fail(struct http2_session *h, uint32_t code, const char *reason)
{
    if (h->failed) return NGHTTP2_ERR_CALLBACK_FAILURE;
    h->failed = 1;
    h->error_code = code;
    snprintf(h->reason, sizeof(h->reason), "%s", reason);
    nghttp2_session_terminate_session(h->session, code);
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

void http2_complain(struct http2_session *h, int32_t stream, const char *reason)
{
    if (h->complained < HTTP2_COMPLAINTS)
        h->complaints[h->complained++] = (struct http2_complaint){stream, reason};
}

void http2_gone(struct http2_session *h)
{
    h->failed = 1;
    h->is_gone = 1; /* nghttp2 still has data sources that are streams of ours */
    for (struct http2_stream *s = h->streams, *next; s; s = next) {
        next = s->next;
        nghttp2_session_set_stream_user_data(h->session, s->id, NULL);
        if (!s->closed) http2_stream_closed(s, NGHTTP2_CANCEL);
    }
}

struct http2_stream *http2_reset_stalled(struct http2_session *h, double seconds)
{
    for (struct http2_stream *s = h->streams; s; s = s->next) {
        if (s->queued == 0 || s->closed || s->reset_by_us) continue;
        if (s->moved) {
            s->moved = 0;
            s->stuck_since = h->now;
        } else if (h->now - s->stuck_since > seconds) {
            http2_reset(h, s->id, NGHTTP2_CANCEL);
            return s;
        }
    }
    return NULL;
}

/* --- bytes in --- */

static int take(struct http2_session *h, const uint8_t *bytes, size_t size)
{
    if (size == 0) return 1;
    ssize_t taken = nghttp2_session_mem_recv(h->session, bytes, size);
    if (taken >= 0) {
        /* nghttp2 ends a connection by itself; it then takes no more */
        return !h->failed;
    }
    switch (taken) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        http2_fail(h, NGHTTP2_PROTOCOL_ERROR, "the preface is none of HTTP/2");
        break;
    case NGHTTP2_ERR_FLOODED:
        http2_fail(h, NGHTTP2_ENHANCE_YOUR_CALM, "flood of frames that want an answer");
        break;
    case NGHTTP2_ERR_NOMEM:
        http2_fail(h, NGHTTP2_INTERNAL_ERROR, "no memory");
        break;
    default:
        http2_fail(h, NGHTTP2_INTERNAL_ERROR, nghttp2_strerror((int)taken));
    }
    return 0;
}

int http2_feed(struct http2_session *h, const char *data, size_t size)
{
    const uint8_t *bytes = (const uint8_t *)data;
    size_t taken = 0, seen = 0, before = 0;
    if (h->failed) return 0;
    h->fed = 1;
    while (seen < size) {
        size_t from = seen;
        seen += http2_scan(&h->scan, bytes + seen, size - seen, &before);
        if (!h->scan.suspect) break;
        if (!take(h, bytes + taken, from + before - taken)) return 0;
        taken = from + before;
        if (http2_check_suspect(h)) return 0;
    }
    return take(h, bytes + taken, size - taken);
}

/* --- bytes out --- */

int http2_output(struct http2_session *h, struct http1_output *out, size_t enough)
{
    const uint8_t *bytes;
    ssize_t size;
    if (h->is_sending || h->is_gone) return 0;
    h->out = out;
    h->enough = enough;
    h->is_sending = 1;
    while (out->size < enough && (size = nghttp2_session_mem_send(h->session, &bytes)) > 0)
        if (http1_put(out, (const char *)bytes, (size_t)size)) {
            size = NGHTTP2_ERR_NOMEM;
            break;
        }
    h->is_sending = 0;
    h->out = NULL;
    return out->size < enough && size < 0 ? -1 : 0;
}
