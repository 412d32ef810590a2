/* The limit: llhttp with callbacks that do next to nothing, and a response that is copied from
   memory; then the pure C of our codec, without Ruby. Prints nanoseconds of CPU a request. */
#include "http1.h"
#include "http1_names.h"
#include "http1_response.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static unsigned long seen;

static int count(llhttp_t *llhttp)
{
    (void)llhttp;
    seen++;
    return 0;
}

static int count_span(llhttp_t *llhttp, const char *at, size_t size)
{
    (void)llhttp;
    (void)at;
    seen += size;
    return 0;
}

#define BODY "Hello, world!\n"

static double raw(const char *request, size_t size, long rounds)
{
    static const char response[] =
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 14\r\n\r\n" BODY;
    static char out[1024];
    llhttp_settings_t settings;
    llhttp_t llhttp;
    llhttp_settings_init(&settings);
    settings.on_url = settings.on_header_field = settings.on_header_value = count_span;
    settings.on_message_begin = settings.on_message_complete = count;
    llhttp_init(&llhttp, HTTP_REQUEST, &settings);
    double began = now();
    for (long i = 0; i < rounds; i++) {
        if (llhttp_execute(&llhttp, request, size)) abort();
        memcpy(out, response, sizeof(response) - 1);
        __asm__ volatile("" : : "r"(out) : "memory");
    }
    return (now() - began) / (double)rounds * 1e9;
}

static double codec(const char *request, size_t size, long rounds)
{
    struct http1_limits limits = {8192, 32768, 100, INT64_MAX, 256, 8192, 20};
    struct http1_parser parser;
    struct http1_field fields[100];
    struct http1_head head = {.fields = fields};
    struct http1_output out = {0};
    http1_init(&parser, &limits);
    double began = now();
    for (long i = 0; i < rounds; i++) {
        http1_feed(&parser, request, size);
        if (http1_next_head(&parser, &head) != HTTP1_READY) abort();
        out.size = 0;
        http1_put_status(&out, 200);
        http1_put_field(&out, "content-type", 12, "text/plain", 10);
        http1_put_date(&out);
        http1_put_text(&out, "content-length: ");
        http1_put_number(&out, sizeof(BODY) - 1);
        http1_put_text(&out, "\r\n\r\n");
        http1_put_text(&out, BODY);
    }
    double spent = (now() - began) / (double)rounds * 1e9;
    http1_output_free(&out);
    http1_free(&parser);
    return spent;
}

int main(int argc, char **argv)
{
    char request[8192];
    size_t size = fread(request, 1, sizeof(request), stdin);
    long rounds = argc > 1 ? atol(argv[1]) : 1000000;
    http1_names_setup();
    raw(request, size, rounds / 10);
    codec(request, size, rounds / 10);
    printf("%.0f %.0f\n", raw(request, size, rounds), codec(request, size, rounds));
    return 0;
}
