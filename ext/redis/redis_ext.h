#ifndef POLYPHONY_REDIS_EXT_H
#define POLYPHONY_REDIS_EXT_H

#include <ruby.h>
#include <ruby/encoding.h>

/* The Ruby side: the replies of a server as objects (reader.c), commands as bytes (encoder.c). */

void Init_polyphony_redis_reader(VALUE redis);
void Init_polyphony_redis_encoder(VALUE redis);

#endif
