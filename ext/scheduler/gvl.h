#ifndef POLYPHONY_GVL_H
#define POLYPHONY_GVL_H

#include "backend.h"

/* Waits in the backend without the GVL; returns early when an interrupt is pending or comes. */
void gvl_backend_wait(struct backend *backend, double seconds);

#endif
