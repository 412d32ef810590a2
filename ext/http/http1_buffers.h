#ifndef POLYPHONY_HTTP1_BUFFERS_H
#define POLYPHONY_HTTP1_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

/* Pure C. Bytes of a buffer as they are handed out. */
#define HTTP1_BUFFER 4096

/* A buffer of at least `size` bytes in place of `bytes` (NULL: none yet) with what it holds. NULL,
   with `bytes` left as they were, without memory. */
char *http1_buffer_resize(char *bytes, size_t size, size_t *capacity);

/* Takes it back; `bytes` may be NULL. */
void http1_buffer_release(char *bytes, size_t capacity);

#endif
