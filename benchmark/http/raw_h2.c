/* The limit of HTTP/2: libev and nghttp2, clear text with prior knowledge, no Ruby. raw_h2 PORT */
#define _GNU_SOURCE
#include <ev.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
typedef struct conn { ev_io rw, ww; int fd; nghttp2_session *s; uint8_t *w; size_t wl, wo, wc; } conn;
static struct ev_loop *loop; static nghttp2_session_callbacks *cb; static uint8_t rbuf[65536];
static const char BODY[] = "Hello, world!\n";
static ssize_t body_read(nghttp2_session *s, int32_t id, uint8_t *buf, size_t len, uint32_t *fl, nghttp2_data_source *src, void *u) {
  (void)s; (void)id; (void)len; (void)src; (void)u; memcpy(buf, BODY, sizeof BODY - 1); *fl |= NGHTTP2_DATA_FLAG_EOF; return sizeof BODY - 1; }
#define NV(n,v) { (uint8_t*)n, (uint8_t*)v, sizeof n - 1, sizeof v - 1, NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE }
static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *u) {
  (void)u;
  if ((f->hd.type == NGHTTP2_HEADERS || f->hd.type == NGHTTP2_DATA) && (f->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
    nghttp2_nv nv[] = { NV(":status", "200"), NV("content-type", "text/plain"), NV("content-length", "14") };
    nghttp2_data_provider dp = { .read_callback = body_read };
    nghttp2_submit_response(s, f->hd.stream_id, nv, 3, &dp);
  }
  return 0;
}
static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *n, size_t nl, const uint8_t *v, size_t vl, uint8_t fl, void *u) {
  (void)s; (void)f; (void)n; (void)nl; (void)v; (void)vl; (void)fl; (void)u; return 0; }
static void conn_close(conn *c) { ev_io_stop(loop, &c->rw); ev_io_stop(loop, &c->ww); nghttp2_session_del(c->s); close(c->fd); free(c->w); free(c); }
static int pump(conn *c) {
  for (;;) {
    const uint8_t *d; ssize_t n;
    while (c->wl < 262144 && (n = nghttp2_session_mem_send(c->s, &d)) > 0) {
      if (c->wl + (size_t)n > c->wc) { c->wc = (c->wl + (size_t)n) * 2; c->w = realloc(c->w, c->wc); }
      memcpy(c->w + c->wl, d, (size_t)n); c->wl += (size_t)n; }
    if (c->wl == c->wo) { c->wl = c->wo = 0; break; }
    n = write(c->fd, c->w + c->wo, c->wl - c->wo);
    if (n < 0) return (errno == EAGAIN) ? 1 : -1;
    c->wo += (size_t)n; if (c->wo < c->wl) return 1; c->wl = c->wo = 0;
  }
  return (nghttp2_session_want_read(c->s) || nghttp2_session_want_write(c->s)) ? 0 : -1;
}
static void after(conn *c) { int r = pump(c); if (r < 0) conn_close(c); else if (r) ev_io_start(loop, &c->ww); else ev_io_stop(loop, &c->ww); }
static void on_write(EV_P_ ev_io *w, int r) { (void)r; (void)loop; after(w->data); }
static void on_read(EV_P_ ev_io *w, int r) { (void)r; (void)loop; conn *c = w->data; ssize_t n = read(c->fd, rbuf, sizeof rbuf);
  if (n < 0) { if (errno != EAGAIN) conn_close(c); return; }
  if (n == 0 || nghttp2_session_mem_recv(c->s, rbuf, (size_t)n) < 0) { conn_close(c); return; }
  after(c); }
static void on_accept(EV_P_ ev_io *w, int r) { (void)r; int fd;
  while ((fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    int one = 1; setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn *c = calloc(1, sizeof *c); c->fd = fd; nghttp2_session_server_new(&c->s, cb, c);
    nghttp2_settings_entry iv = { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 256 }; nghttp2_submit_settings(c->s, 0, &iv, 1);
    ev_io_init(&c->rw, on_read, fd, EV_READ); c->rw.data = c; ev_io_init(&c->ww, on_write, fd, EV_WRITE); c->ww.data = c;
    ev_io_start(EV_A_ &c->rw); after(c); } }
int main(int argc, char **argv) {
  int port = argc > 1 ? atoi(argv[1]) : 9001; signal(SIGPIPE, SIG_IGN); loop = ev_default_loop(0);
  nghttp2_session_callbacks_new(&cb); nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame); nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
  int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1; setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (bind(l, (struct sockaddr *)&a, sizeof a) || listen(l, 4096)) { perror("bind/listen"); return 1; }
  ev_io aw; ev_io_init(&aw, on_accept, l, EV_READ); ev_io_start(loop, &aw); ev_run(loop, 0); return 0; }
