/* The limit of what a server on this design could do: libev and llhttp, no Ruby. It answers every
   request alike, keeps connections, answers pipelined requests with one write, and sends a Date that
   is made once a second. usage: raw PORT */
#define _GNU_SOURCE
#include <errno.h>
#include <ev.h>
#include <llhttp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY "Hello, world!\n"
#define READ_SIZE 16384

struct client {
    struct ev_io watch;
    llhttp_t parser;
    size_t fields, target; /* counted: a server has to look at them */
    char *out;
    size_t size, room, sent;
    int fd, last;
};

static llhttp_settings_t callbacks;
static char input[READ_SIZE];
static struct {
    char bytes[256];
    size_t size;
} answers[2]; /* the second says that the connection ends */

static void make_answers(void)
{
    char date[64];
    time_t now = time(NULL);
    struct tm parts;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    for (int last = 0; last < 2; last++) {
        int size = snprintf(answers[last].bytes, sizeof(answers[last].bytes),
                            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ndate: %s\r\n"
                            "content-length: %zu\r\n%s\r\n%s",
                            date, strlen(BODY), last ? "connection: close\r\n" : "", BODY);
        answers[last].size = (size_t)size;
    }
}

static void second_passed(struct ev_loop *loop, struct ev_timer *timer, int events)
{
    (void)loop, (void)timer, (void)events;
    make_answers();
}

static int begun(llhttp_t *parser)
{
    struct client *client = parser->data;
    client->fields = client->target = 0;
    return 0;
}

static int target(llhttp_t *parser, const char *at, size_t size)
{
    (void)at;
    ((struct client *)parser->data)->target += size;
    return 0;
}

static int field(llhttp_t *parser, const char *at, size_t size)
{
    (void)at, (void)size;
    ((struct client *)parser->data)->fields++;
    return 0;
}

static int value(llhttp_t *parser, const char *at, size_t size)
{
    (void)parser, (void)at, (void)size;
    return 0;
}

static int complete(llhttp_t *parser)
{
    struct client *client = parser->data;
    client->last = !llhttp_should_keep_alive(parser);
    size_t size = answers[client->last].size;
    if (client->size + size > client->room) {
        client->room = 2 * client->room + 4096;
        client->out = realloc(client->out, client->room);
        if (!client->out) abort();
    }
    memcpy(client->out + client->size, answers[client->last].bytes, size);
    client->size += size;
    return 0;
}

static void finish(struct ev_loop *loop, struct client *client)
{
    ev_io_stop(loop, &client->watch);
    close(client->fd);
    free(client->out);
    free(client);
}

static void wait_for(struct ev_loop *loop, struct client *client, int events)
{
    if (client->watch.events == events) return;
    ev_io_stop(loop, &client->watch);
    ev_io_set(&client->watch, client->fd, events);
    ev_io_start(loop, &client->watch);
}

/* Writes what there is; what the kernel does not take waits. */
static void send_answers(struct ev_loop *loop, struct client *client)
{
    while (client->sent < client->size) {
        ssize_t n = write(client->fd, client->out + client->sent, client->size - client->sent);
        if (n >= 0)
            client->sent += (size_t)n;
        else if (errno == EAGAIN)
            return wait_for(loop, client, EV_WRITE);
        else if (errno != EINTR)
            return finish(loop, client);
    }
    client->size = client->sent = 0;
    if (client->last) return finish(loop, client);
    wait_for(loop, client, EV_READ);
}

static void ready(struct ev_loop *loop, struct ev_io *watch, int events)
{
    struct client *client = watch->data;
    if (events & EV_WRITE) return send_answers(loop, client);

    ssize_t n = read(client->fd, input, sizeof(input));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return finish(loop, client);
    if (llhttp_execute(&client->parser, input, (size_t)n) != HPE_OK) client->last = 1;
    send_answers(loop, client);
}

static void connected(struct ev_loop *loop, struct ev_io *watch, int events)
{
    (void)events;
    int fd, on = 1;
    while ((fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        struct client *client = calloc(1, sizeof(*client));
        if (!client) abort();
        client->fd = fd;
        llhttp_init(&client->parser, HTTP_REQUEST, &callbacks);
        client->parser.data = client;
        ev_io_init(&client->watch, ready, fd, EV_READ);
        client->watch.data = client;
        ev_io_start(loop, &client->watch);
    }
}

static int listen_at(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4096)) {
        perror("raw");
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 2) return fprintf(stderr, "usage: raw PORT\n"), 2;
    signal(SIGPIPE, SIG_IGN);
    llhttp_settings_init(&callbacks);
    callbacks.on_message_begin = begun;
    callbacks.on_url = target;
    callbacks.on_header_field = field;
    callbacks.on_header_value = value;
    callbacks.on_message_complete = complete;
    make_answers();

    struct ev_loop *loop = ev_default_loop(0);
    struct ev_io listener;
    struct ev_timer second;
    ev_io_init(&listener, connected, listen_at(atoi(argv[1])), EV_READ);
    ev_io_start(loop, &listener);
    ev_timer_init(&second, second_passed, 1, 1);
    ev_timer_start(loop, &second);
    return ev_run(loop, 0);
}
