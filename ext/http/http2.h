#ifndef POLYPHONY_HTTP2_H
#define POLYPHONY_HTTP2_H

#include <stddef.h>
#include <stdint.h>
#include <nghttp2/nghttp2.h>
#include "http1.h"
#include "http1_names.h"
#include "http1_response.h"

/*
 * The server's side of an HTTP/2 connection: bytes in, requests out; responses in, bytes out. Pure
 * C over nghttp2; it knows no Ruby, no fiber and no socket.
 *
 * nghttp2 does the frames, the header compression, the windows and most checks. Ours are: what a
 * request must be (http2_rules.c, the same rules of targets, hosts and values as for HTTP/1), which
 * frames are too many (http2_limits.c), stream ids that nghttp2 lets pass, and that the window of a
 * body opens only as its handler reads.
 *
 *     HEADERS ──▶ waiting ──take──▶ served ──release──▶ left ──▶ freed
 *                    │ RST_STREAM      │ RST_STREAM       │ answer sent, or RST_STREAM
 *                    └────▶ freed      └─▶ closed ──release──▶ freed
 */

struct http2_limits {
    size_t target;            /* bytes of the path: 414 */
    size_t head;              /* bytes of the fields of a request, 32 for each added: 431 */
    size_t fields;            /* number of header fields: 431 */
    uint64_t body;            /* bytes of the body: 413 */
    size_t trailer;           /* bytes of all trailer fields together: 431 */
    size_t trailer_fields;    /* number of trailer fields: 431 */
    size_t streams;           /* at a time */
    size_t stream_window;     /* bytes of a body that are taken before its handler reads */
    size_t connection_window; /* likewise, of all bodies of the connection */
    size_t resets;            /* frames of a kind that may come at once, see http2_limits.c */
    size_t pings;
    size_t settings;
    size_t priorities;
    size_t window_updates;
    size_t empty_frames;
    size_t continuations; /* frames of one header block */
};
#define HTTP2_LIMITS 16

/* A bucket of tokens: one for each frame of a kind. */
struct http2_meter {
    double left;
    double filled_at;
};

enum http2_kind {
    HTTP2_RESETS,
    HTTP2_PINGS,
    HTTP2_SETTINGS,
    HTTP2_PRIORITIES,
    HTTP2_WINDOW_UPDATES,
    HTTP2_EMPTY_FRAMES,
    HTTP2_KINDS
};

/* A header block that was read: the index, its fields and their bytes in one piece of memory. */
struct http2_block {
    struct http1_head index;
    struct http1_field fields[];
};

/* Fields as they come. */
struct http2_builder {
    char *bytes;
    size_t used, capacity;
    struct http1_field *fields;
    size_t count, room;
    size_t list_size; /* as SETTINGS_MAX_HEADER_LIST_SIZE counts */
    size_t frames;    /* CONTINUATION so far */
    struct http1_span method, scheme, authority, path, protocol;
    uint8_t seen; /* pseudo-header fields, a bit each */
    uint8_t open, trailers, too_long, too_many;
};

/* A piece of a response's body. Its bytes belong to `owner`, and stay where they are. */
struct http2_piece {
    const char *bytes;
    size_t size;
    uintptr_t owner;
};

#define HTTP2_FEW 2

struct http2_session;

struct http2_stream {
    struct http2_session *session;
    struct http2_stream *next, *previous; /* all of the session */
    struct http2_stream *next_waiting;
    struct http2_stream *next_news;
    uintptr_t exchange; /* who serves it; 0: nobody yet, or no more */
    int32_t id;
    uint32_t reset_code; /* when closed */
    uint16_t refusal;    /* the status to answer with */
    const char *reason;  /* for the log */
    struct http2_block *head, *trailers;

    uint8_t waiting, left;           /* see above */
    uint8_t closed;                  /* nothing can be sent or received any more */
    uint8_t ended;                   /* the request is complete */
    uint8_t is_head, is_connect;     /* of its method */
    uint8_t wants_input, wants_room; /* somebody waits for it */
    uint8_t has_news;
    uint8_t started, finished, sent_end; /* the answer: head, last piece, out */
    uint8_t deferred;                    /* nghttp2 waits for more to send */
    uint8_t bodyless; /* the answer has no body: END_STREAM comes with its head */
    uint8_t reset_by_us, aborted, widened;
    uint32_t abort_code;

    char *body; /* of the request, not read yet */
    size_t body_at, body_end, body_capacity;
    uint64_t body_bytes; /* in all, so far */

    struct http2_piece few[HTTP2_FEW], *pieces; /* of the answer, not sent yet */
    size_t first, count, room;
    size_t first_at;    /* sent of the first */
    size_t queued;      /* bytes */
    double stuck_since; /* on the caller's clock, see http2_reset_stalled */
    uint8_t moved;      /* some of them were sent since the last look */
    uint64_t remaining; /* bytes of the answer to come, if it has a length */
    uint8_t has_length;
    nghttp2_nv *trailer_nv;
    size_t trailer_count;
};

/* Where in the frames we are: see http2_scan.c. */
struct http2_scan {
    size_t skip;      /* bytes until the next head */
    uint8_t head[14]; /* of a frame, and what PRIORITY has */
    uint8_t have;     /* of them */
    uint8_t suspect;  /* nghttp2 would say nothing about this frame */
};

#define HTTP2_REMEMBERED 1024 /* streams, for frames that come too late */
#define HTTP2_COMPLAINTS 8

struct http2_complaint {
    int32_t stream;
    const char *reason; /* a constant */
};

struct http2_session {
    nghttp2_session *session;
    struct http2_scan scan;
    struct http2_limits limits;
    struct http2_meter meters[HTTP2_KINDS];
    struct http2_builder builder;
    struct http2_stream *streams, *waiting, *last_waiting, *news;
    size_t serving;    /* streams waiting or served */
    uint64_t requests; /* so far */
    uint64_t progress; /* frames of DATA sent */
    double now;        /* seconds of a steady clock, as the caller has last said */
    int32_t last_id;   /* highest id of a stream that the client has opened */
    uint8_t opened[HTTP2_REMEMBERED / 8],
        reset[HTTP2_REMEMBERED / 8]; /* of odd ids up to last_id */
    uint8_t failed;                  /* no more input is taken */
    uint8_t fed;                     /* something has come */
    uint32_t error_code;             /* of the GOAWAY */
    char reason[160];                /* for the log */
    uint32_t pongs;                  /* answers to our pings */
    struct http2_complaint complaints[HTTP2_COMPLAINTS];
    size_t complained;
    struct http1_output *out; /* while output is collected */
    size_t enough;            /* bytes of it */
    uint8_t is_sending, last_sent, is_gone;
};

/* --- http2_session.c --- */

/* -1 without memory */
int http2_init(struct http2_session *h, const struct http2_limits *limits);
void http2_free(struct http2_session *h);

/* Takes bytes from the connection. False when the connection has failed: see `reason`. What is to
   be sent then, a GOAWAY, is in the output. */
int http2_feed(struct http2_session *h, const char *bytes, size_t size);

/* Appends to `out` what is to be sent, until there are `enough` bytes or no more. -1 without
 * memory. */
int http2_output(struct http2_session *h, struct http1_output *out, size_t enough);

/* Ends the connection by a GOAWAY. Returns what a callback of nghttp2 returns then. */
int http2_fail(struct http2_session *h, uint32_t code, const char *reason);

/* Nothing more comes, and nothing can be sent: all streams are closed. */
void http2_gone(struct http2_session *h);

/* Resets a stream that has sent nothing of its answer for some seconds, if there is one; to be
 * called every second or so, until it gives NULL. */
struct http2_stream *http2_reset_stalled(struct http2_session *h, double seconds);

void http2_complain(struct http2_session *h, int32_t stream, const char *reason);

/* --- http2_scan.c --- */
void http2_scan_start(struct http2_scan *scan);
/* Goes on to the next suspect, and says how many bytes there were, and how many before its frame.
 */
size_t http2_scan(struct http2_scan *scan, const uint8_t *bytes, size_t size, size_t *before);
int http2_check_suspect(struct http2_session *h);

/* --- http2_callbacks.c --- */
int http2_check_closed(struct http2_session *h, int32_t id);
nghttp2_session_callbacks *http2_callbacks(void);
int http2_reset(struct http2_session *h, int32_t id, uint32_t code);

/* --- http2_stream.c --- */
struct http2_stream *http2_stream_open(struct http2_session *h, int32_t id);
void http2_stream_free(struct http2_stream *s);
void http2_stream_closed(struct http2_stream *s, uint32_t code);
struct http2_stream *http2_take(struct http2_session *h);
/* Gives up the stream, when what was pushed is out. */
void http2_abort(struct http2_stream *s, uint32_t code);
/* The handler has returned. */
void http2_release(struct http2_stream *s);
void http2_refuse_rest(struct http2_stream *s);
void http2_wait(struct http2_session *h, struct http2_stream *s);
void http2_news(struct http2_stream *s);

int http2_body_append(struct http2_stream *s, const char *bytes, size_t size);
/* Up to `room` bytes; 0 when there is nothing now. The window opens by as much. */
size_t http2_body_read(struct http2_stream *s, char *into, size_t room);
void http2_body_discard(struct http2_stream *s);
/* Its handler waits for more: from now on more is on its way at a time. */
void http2_widen(struct http2_stream *s);

/* With so many bytes queued, whoever waits to write more goes on. */
#define HTTP2_LOW 16384

int http2_push(struct http2_stream *s, const char *bytes, size_t size, uintptr_t owner);
void http2_pop(struct http2_stream *s, size_t size);
void http2_drop_pieces(struct http2_stream *s);
void http2_resume(struct http2_stream *s);
ssize_t http2_read_pieces(nghttp2_session *session, int32_t id, uint8_t *buffer, size_t length,
                          uint32_t *flags, nghttp2_data_source *source, void *user);

/* --- http2_builder.c --- */
void http2_builder_start(struct http2_builder *b, int trailers);
void http2_builder_free(struct http2_builder *b);
/* -1 without memory */
int http2_builder_add(struct http2_builder *b, const struct http2_limits *limits, const char *name,
                      size_t name_size, const char *value, size_t value_size);
struct http2_block *http2_builder_block(struct http2_builder *b, const struct http1_head *index);

/* --- http2_rules.c: 0, or the status to answer with, or -1 for what is malformed --- */
int http2_check_request(struct http2_builder *b, const struct http2_limits *limits,
                        struct http1_head *index, int ended, const char **reason);
int http2_check_trailers(struct http2_builder *b, const struct http2_limits *limits,
                         struct http1_head *index, const char **reason);

/* --- http2_memory.c --- */
void *http2_malloc(size_t size);
void *http2_calloc(size_t count, size_t size);
void *http2_realloc(void *bytes, size_t size);
void http2_mfree(void *bytes);
nghttp2_mem *http2_memory(void);

/* --- http2_limits.c --- */
void http2_meters_start(struct http2_session *h);
/* True when there was one frame of the kind too many. */
int http2_too_many(struct http2_session *h, enum http2_kind kind);
void http2_credit(struct http2_session *h, enum http2_kind kind, double frames);
const char *http2_flood_of(enum http2_kind kind);

#endif
