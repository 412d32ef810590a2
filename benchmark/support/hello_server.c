/*
 * The HTTP server that client benchmarks talk to: epoll, keep-alive, one fixed answer to every request head, no
 * request bodies. It parses nothing but the blank line that ends a head, so that it costs a fraction of any client.
 * It listens on a free port of 127.0.0.1, prints the port, and ends when its standard input is closed.
 *
 *     cc -O2 -o hello_server hello_server.c
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FD 65536
#define ANSWER                                                                                     \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n"

/* How many bytes of the blank line "\r\n\r\n" each connection has seen last. */
static unsigned char matched[MAX_FD];

static void watch(int epoll, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        perror("epoll_ctl");
        exit(1);
    }
}

static int listen_on_free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        perror("listen");
        exit(1);
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int epoll, int listener) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= MAX_FD) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        matched[fd] = 0;
        watch(epoll, fd);
    }
}

static int heads_in(int fd, const char *data, ssize_t length) {
    static const char blank_line[] = "\r\n\r\n";
    int heads = 0;
    for (ssize_t i = 0; i < length; i++) {
        if (data[i] == blank_line[matched[fd]])
            matched[fd]++;
        else
            matched[fd] = data[i] == '\r';
        if (matched[fd] == 4) {
            heads++;
            matched[fd] = 0;
        }
    }
    return heads;
}

static void serve(int fd) {
    char data[16384];
    ssize_t length = read(fd, data, sizeof(data));
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        close(fd);
        return;
    }
    for (int heads = heads_in(fd, data, length); heads > 0; heads--) {
        /* The answers are small and the clients wait for each: a full socket buffer means a client gone wrong. */
        if (write(fd, ANSWER, sizeof(ANSWER) - 1) != sizeof(ANSWER) - 1) {
            close(fd);
            return;
        }
    }
}

int main(void) {
    struct epoll_event events[256];
    struct rlimit files = {MAX_FD, MAX_FD};
    setrlimit(RLIMIT_NOFILE, &files);
    int epoll = epoll_create1(EPOLL_CLOEXEC), listener = listen_on_free_port();
    watch(epoll, listener);
    watch(epoll, STDIN_FILENO);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == STDIN_FILENO)
                return 0;
            if (fd == listener)
                accept_all(epoll, listener);
            else
                serve(fd);
        }
    }
}
