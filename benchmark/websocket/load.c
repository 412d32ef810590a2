/*
 * Load for WebSocket servers, on one core, without the cost of a script:
 *
 *   load echo PORT CONNECTIONS SECONDS BYTES DEPTH
 *   load fanout PORT CONNECTIONS SECONDS BYTES
 *
 * echo: each connection has DEPTH texts under way, and sends the next ones when all have come back.
 * fanout: the first connection sends a text, which the server sends to all; the next one follows
 * when each has it. Prints "go" when all are connected; in the end the messages that came, the
 * seconds, and in fanout the slowest round.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n"
                              "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
static char buffer[1 << 18];

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int open_websocket(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t have = 0;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (write(fd, REQUEST, sizeof(REQUEST) - 1) < 0) fail("write");
    while (have < 4 || memcmp(buffer + have - 4, "\r\n\r\n", 4)) {
        ssize_t n = read(fd, buffer + have, 4096); /* nothing comes behind it yet */
        if (n <= 0 || (have += n) > 4096) fail("handshake");
    }
    if (memcmp(buffer, "HTTP/1.1 101", 12)) fail("no WebSocket");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static size_t put_frames(char *to, int bytes, int depth)
{
    char *at = to;
    while (depth--) {
        *at++ = (char)0x81;
        if (bytes < 126) {
            *at++ = (char)(0x80 | bytes);
        } else {
            *at++ = (char)0xfe;
            *at++ = (char)(bytes >> 8);
            *at++ = (char)bytes;
        }
        memset(at, 0, 4); /* the mask: servers must apply it all the same */
        memset(at + 4, 'x', bytes);
        at += 4 + bytes;
    }
    return at - to;
}

static void send_all(int fd, const char *bytes, size_t size)
{
    if (write(fd, bytes, size) != (ssize_t)size) fail("write");
}

int main(int argc, char **argv)
{
    if (argc < 6) return 2;
    int fanout = !strcmp(argv[1], "fanout"), port = atoi(argv[2]), connections = atoi(argv[3]);
    int bytes = atoi(argv[5]), depth = argc > 6 ? atoi(argv[6]) : 1;
    double seconds = atof(argv[4]), slowest = 0, began;
    size_t answer = (size_t)depth * (bytes + (bytes < 126 ? 2 : 4)), waiting = 0;
    struct rlimit limit = {1 << 17, 1 << 17};
    setrlimit(RLIMIT_NOFILE, &limit);
    int epoll = epoll_create1(0), *fds = calloc(connections, sizeof(int));
    size_t *got = calloc(connections, sizeof(size_t));
    char *frames = malloc((size_t)depth * (bytes + 8));
    size_t size = put_frames(frames, bytes, depth);
    struct epoll_event events[256];
    long messages = 0;
    for (int i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i] = open_websocket(port), &event);
    }
    if (fanout) usleep(500000); /* until the last one is subscribed */
    puts("go"); /* from here on the server's time counts */
    fflush(stdout);
    usleep(20000);
    double start = now(), end = start + seconds;
    began = start;
    for (int i = 0; i < (fanout ? 1 : connections); i++) send_all(fds[i], frames, size);
    for (double t = start; t < end;) {
        int n = epoll_wait(epoll, events, 256, 5000);
        if (n == 0) {
            fprintf(stderr, "nothing came for 5 s\n");
            return 1;
        }
        for (int e = 0; e < n; e++) {
            int i = events[e].data.u32;
            ssize_t r = read(fds[i], buffer, sizeof(buffer));
            if (r == 0) fail("the server closed");
            if (r < 0) {
                if (errno == EAGAIN) continue;
                fail("read");
            }
            got[i] += r;
            if (got[i] < answer) continue;
            if (got[i] > answer) {
                fprintf(stderr, "more came than was sent\n");
                return 1;
            }
            got[i] = 0;
            messages += depth;
            if (!fanout) {
                send_all(fds[i], frames, size);
            } else if (++waiting == (size_t)connections) {
                double round = now() - began;
                if (round > slowest) slowest = round;
                waiting = 0;
                began = now();
                send_all(fds[0], frames, size);
            }
        }
        t = now();
    }
    printf("%ld %.4f %.4f\n", messages, now() - start, slowest);
    return 0;
}
