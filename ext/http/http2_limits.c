#include "http2.h"

/*
 * Frames that cost a client nothing and us something. Each kind has a bucket of as many tokens as
 * its limit says; a frame takes one, and they come back by a tenth of the bucket in each second.
 * Work that is worth frames brings some back, too: a client may send two WINDOW_UPDATE for each
 * frame of DATA that it gets, and a few PRIORITY for each request.
 */

#define SECONDS_TO_FILL 10

static size_t limit_of(const struct http2_session *h, enum http2_kind kind)
{
    const size_t limits[] = {h->limits.resets,         h->limits.pings,
                             h->limits.settings,       h->limits.priorities,
                             h->limits.window_updates, h->limits.empty_frames};
    return limits[kind];
}

const char *http2_flood_of(enum http2_kind kind)
{
    static const char *const floods[] = {"flood of stream resets (rapid reset)",
                                         "flood of PING frames",
                                         "flood of SETTINGS frames",
                                         "flood of PRIORITY frames",
                                         "flood of WINDOW_UPDATE frames",
                                         "flood of empty frames"};
    return floods[kind];
}

void http2_meters_start(struct http2_session *h)
{
    for (int kind = 0; kind < HTTP2_KINDS; kind++) {
        h->meters[kind].left = (double)limit_of(h, (enum http2_kind)kind);
        h->meters[kind].filled_at = h->now;
    }
}

void http2_credit(struct http2_session *h, enum http2_kind kind, double frames)
{
    double most = (double)limit_of(h, kind), left = h->meters[kind].left + frames;
    h->meters[kind].left = left < most ? left : most;
}

int http2_too_many(struct http2_session *h, enum http2_kind kind)
{
    struct http2_meter *meter = &h->meters[kind];
    double passed = h->now - meter->filled_at;
    if (passed > 0) { /* the clock is set every second or so */
        http2_credit(h, kind, passed * (double)limit_of(h, kind) / SECONDS_TO_FILL);
        meter->filled_at = h->now;
    }
    if (meter->left < 1) return 1;
    meter->left -= 1;
    return 0;
}
