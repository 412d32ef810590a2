#ifndef POLYPHONY_HTTP1_RESPONSE_H
#define POLYPHONY_HTTP1_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

/* Responses as bytes. Pure C. Everything is appended to one growing buffer, so that a response that
   turns out to be wrong is taken back by setting `size` to what it was. */
struct http1_output {
    char *bytes;
    size_t size, capacity;
};

enum http1_put { HTTP1_PUT_OK, HTTP1_PUT_NAME, HTTP1_PUT_VALUE, HTTP1_PUT_MEMORY };

void http1_output_free(struct http1_output *out);

/* Room for `size` more bytes; false without memory. All below call it. */
int http1_reserve(struct http1_output *out, size_t size);
enum http1_put http1_put(struct http1_output *out, const char *bytes, size_t size);
#define http1_put_text(out, text) http1_put(out, text, sizeof(text) - 1)

/* HTTP/1.1 status reason CRLF */
enum http1_put http1_put_status(struct http1_output *out, unsigned status);

/* name: value CRLF. Refuses names that are no tokens, and control characters (CR, LF and NUL among
   them) in values: what an application took from a request must not become a second response. */
enum http1_put http1_put_field(struct http1_output *out, const char *name, size_t name_size,
                               const char *value, size_t value_size);
enum http1_put http1_put_number(struct http1_output *out, uint64_t number);
enum http1_put http1_put_chunk_size(struct http1_output *out, uint64_t size);

#define HTTP1_DATE_SIZE 29
/* The time now as in the field Date, made once a second. Callers hold a lock (Ruby's). */
const char *http1_date(void);
enum http1_put http1_put_date(struct http1_output *out);

#endif
