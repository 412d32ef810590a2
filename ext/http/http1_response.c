#include "http1_response.h"
#include "http1.h"
#include "http1_buffers.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

void http1_output_free(struct http1_output *out)
{
    http1_buffer_release(out->bytes, out->capacity);
    out->bytes = NULL;
    out->size = out->capacity = 0;
}

int http1_reserve(struct http1_output *out, size_t size)
{
    if (out->capacity - out->size >= size) return 1;
    if (size > SIZE_MAX - out->size) return 0;
    char *bytes = http1_buffer_resize(out->bytes, out->size + size, &out->capacity);
    if (!bytes) return 0;
    out->bytes = bytes;
    return 1;
}

static inline void append(struct http1_output *out, const char *bytes, size_t size)
{
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

enum http1_put http1_put(struct http1_output *out, const char *bytes, size_t size)
{
    if (size == 0) return HTTP1_PUT_OK;
    if (!http1_reserve(out, size)) return HTTP1_PUT_MEMORY;
    append(out, bytes, size);
    return HTTP1_PUT_OK;
}

static const char *reason_phrase(unsigned status)
{
    switch (status) {
#define X(number, phrase)                                                                          \
    case number:                                                                                   \
        return phrase;
#include "http1_statuses.h"
#undef X
    default:
        return "";
    }
}

enum http1_put http1_put_status(struct http1_output *out, unsigned status)
{
    if (status == 200) return http1_put_text(out, "HTTP/1.1 200 OK\r\n");
    const char *phrase = reason_phrase(status);
    size_t size = strlen(phrase);
    char line[] = {'H',
                   'T',
                   'T',
                   'P',
                   '/',
                   '1',
                   '.',
                   '1',
                   ' ',
                   (char)('0' + status / 100 % 10),
                   (char)('0' + status / 10 % 10),
                   (char)('0' + status % 10),
                   ' '};
    if (!http1_reserve(out, sizeof(line) + size + 2)) return HTTP1_PUT_MEMORY;
    append(out, line, sizeof(line));
    append(out, phrase, size);
    append(out, "\r\n", 2);
    return HTTP1_PUT_OK;
}

enum http1_put http1_put_field(struct http1_output *out, const char *name, size_t name_size,
                               const char *value, size_t value_size)
{
    uint16_t high;
    for (size_t i = 0; i < name_size; i++)
        if (!http1_token[(unsigned char)name[i]]) return HTTP1_PUT_NAME;
    if (name_size == 0) return HTTP1_PUT_NAME;
    if (http1_skip_text(value, value + value_size, &high) != value + value_size)
        return HTTP1_PUT_VALUE;
    if (!http1_reserve(out, name_size + value_size + 4)) return HTTP1_PUT_MEMORY;
    append(out, name, name_size);
    append(out, ": ", 2);
    append(out, value, value_size);
    append(out, "\r\n", 2);
    return HTTP1_PUT_OK;
}

enum http1_put http1_put_number(struct http1_output *out, uint64_t number)
{
    char digits[20], *at = digits + sizeof(digits);
    do *--at = (char)('0' + number % 10);
    while (number /= 10);
    return http1_put(out, at, (size_t)(digits + sizeof(digits) - at));
}

enum http1_put http1_put_chunk_size(struct http1_output *out, uint64_t size)
{
    char digits[18], *at = digits + sizeof(digits);
    *--at = '\n';
    *--at = '\r';
    do *--at = "0123456789abcdef"[size & 15];
    while (size >>= 4);
    return http1_put(out, at, (size_t)(digits + sizeof(digits) - at));
}

#ifdef CLOCK_REALTIME_COARSE
#define WALL_CLOCK                                                                                 \
    CLOCK_REALTIME_COARSE /* no system call, and a tick is exact enough for seconds */
#else
#define WALL_CLOCK CLOCK_REALTIME
#endif

static const char date_name[] = "date: ";
#define DATE_NAME_SIZE (sizeof(date_name) - 1)

const char *http1_date(void)
{
    static char text[HTTP1_DATE_SIZE + 1];
    static time_t made = -1;
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct timespec now;
    struct tm tm;
    clock_gettime(WALL_CLOCK, &now);
    if (now.tv_sec == made) return text;
    gmtime_r(&now.tv_sec, &tm);
    char longest[64]; /* no locale, unlike strftime */
    snprintf(longest, sizeof(longest), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
             days + tm.tm_wday * 3, tm.tm_mday, months + tm.tm_mon * 3, tm.tm_year + 1900,
             tm.tm_hour, tm.tm_min, tm.tm_sec);
    memcpy(text, longest, HTTP1_DATE_SIZE);
    made = now.tv_sec;
    return text;
}

enum http1_put http1_put_date(struct http1_output *out)
{
    if (!http1_reserve(out, DATE_NAME_SIZE + HTTP1_DATE_SIZE + 2)) return HTTP1_PUT_MEMORY;
    append(out, date_name, DATE_NAME_SIZE);
    append(out, http1_date(), HTTP1_DATE_SIZE);
    append(out, "\r\n", 2);
    return HTTP1_PUT_OK;
}
