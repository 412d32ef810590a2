#ifndef POLYPHONY_HTTP1_NAMES_H
#define POLYPHONY_HTTP1_NAMES_H

#include <stddef.h>

/*
 * Names of header fields that have a String ready. SAME: clients send the same value with every
 * request, so that one String can serve many; OWN: it is worth nothing to others, or is nobody
 * else's business.
 */
#define HTTP1_NAMES(X)                                                                             \
    X(HOST, "host", SAME)                                                                          \
    X(CONTENT_LENGTH, "content-length", OWN)                                                       \
    X(TRANSFER_ENCODING, "transfer-encoding", SAME)                                                \
    X(CONNECTION, "connection", SAME)                                                              \
    X(EXPECT, "expect", SAME)                                                                      \
    X(UPGRADE, "upgrade", SAME)                                                                    \
    X(CONTENT_TYPE, "content-type", SAME)                                                          \
    X(COOKIE, "cookie", OWN)                                                                       \
    X(VERSION, "version", OWN)                                                                     \
    X(ACCEPT, "accept", SAME)                                                                      \
    X(ACCEPT_CHARSET, "accept-charset", SAME)                                                      \
    X(ACCEPT_ENCODING, "accept-encoding", SAME)                                                    \
    X(ACCEPT_LANGUAGE, "accept-language", SAME)                                                    \
    X(ACCESS_CONTROL_REQUEST_HEADERS, "access-control-request-headers", SAME)                      \
    X(ACCESS_CONTROL_REQUEST_METHOD, "access-control-request-method", SAME)                        \
    X(AUTHORIZATION, "authorization", OWN)                                                         \
    X(CACHE_CONTROL, "cache-control", SAME)                                                        \
    X(CONTENT_DISPOSITION, "content-disposition", OWN)                                             \
    X(CONTENT_ENCODING, "content-encoding", SAME)                                                  \
    X(DATE, "date", OWN)                                                                           \
    X(DNT, "dnt", SAME)                                                                            \
    X(FORWARDED, "forwarded", OWN)                                                                 \
    X(FROM, "from", OWN)                                                                           \
    X(IF_MATCH, "if-match", OWN)                                                                   \
    X(IF_MODIFIED_SINCE, "if-modified-since", OWN)                                                 \
    X(IF_NONE_MATCH, "if-none-match", OWN)                                                         \
    X(IF_RANGE, "if-range", OWN)                                                                   \
    X(IF_UNMODIFIED_SINCE, "if-unmodified-since", OWN)                                             \
    X(KEEP_ALIVE, "keep-alive", SAME)                                                              \
    X(LAST_EVENT_ID, "last-event-id", OWN)                                                         \
    X(MAX_FORWARDS, "max-forwards", OWN)                                                           \
    X(ORIGIN, "origin", SAME)                                                                      \
    X(PRAGMA, "pragma", SAME)                                                                      \
    X(PRIORITY, "priority", SAME)                                                                  \
    X(PROXY_AUTHORIZATION, "proxy-authorization", OWN)                                             \
    X(RANGE, "range", OWN)                                                                         \
    X(REFERER, "referer", OWN)                                                                     \
    X(SEC_CH_UA, "sec-ch-ua", SAME)                                                                \
    X(SEC_CH_UA_MOBILE, "sec-ch-ua-mobile", SAME)                                                  \
    X(SEC_CH_UA_PLATFORM, "sec-ch-ua-platform", SAME)                                              \
    X(SEC_FETCH_DEST, "sec-fetch-dest", SAME)                                                      \
    X(SEC_FETCH_MODE, "sec-fetch-mode", SAME)                                                      \
    X(SEC_FETCH_SITE, "sec-fetch-site", SAME)                                                      \
    X(SEC_FETCH_USER, "sec-fetch-user", SAME)                                                      \
    X(SEC_WEBSOCKET_EXTENSIONS, "sec-websocket-extensions", SAME)                                  \
    X(SEC_WEBSOCKET_KEY, "sec-websocket-key", OWN)                                                 \
    X(SEC_WEBSOCKET_PROTOCOL, "sec-websocket-protocol", SAME)                                      \
    X(SEC_WEBSOCKET_VERSION, "sec-websocket-version", SAME)                                        \
    X(TE, "te", SAME)                                                                              \
    X(TRACEPARENT, "traceparent", OWN)                                                             \
    X(TRACESTATE, "tracestate", OWN)                                                               \
    X(TRAILER, "trailer", SAME)                                                                    \
    X(UPGRADE_INSECURE_REQUESTS, "upgrade-insecure-requests", SAME)                                \
    X(USER_AGENT, "user-agent", SAME)                                                              \
    X(VIA, "via", SAME)                                                                            \
    X(X_CSRF_TOKEN, "x-csrf-token", OWN)                                                           \
    X(X_FORWARDED_FOR, "x-forwarded-for", OWN)                                                     \
    X(X_FORWARDED_HOST, "x-forwarded-host", SAME)                                                  \
    X(X_FORWARDED_PORT, "x-forwarded-port", SAME)                                                  \
    X(X_FORWARDED_PROTO, "x-forwarded-proto", SAME)                                                \
    X(X_REAL_IP, "x-real-ip", OWN)                                                                 \
    X(X_REQUEST_ID, "x-request-id", OWN)                                                           \
    X(X_REQUESTED_WITH, "x-requested-with", SAME)

enum http1_name {
    HTTP1_NAME_UNKNOWN,
#define X(id, name, sharing) HTTP1_NAME_##id,
    HTTP1_NAMES(X)
#undef X
        HTTP1_NAME_COUNT
};

/* Once, before anything else. */
void http1_names_setup(void);

/* @return enum http1_name; the bytes must be those of a name, upper or lower case */
unsigned http1_name_find(const char *name, size_t size);

#endif
