#ifndef POLYPHONY_GVL_H
#define POLYPHONY_GVL_H

#include "backend.h"

/* Waits in the backend without the GVL; returns early when an interrupt is pending or comes. */
void gvl_backend_wait(struct backend *backend, double seconds);

/* Blocks the thread, not only the fiber, until the descriptor is ready; the events, or 0. */
int gvl_wait_fd(int fd, int events, double seconds);

#endif
