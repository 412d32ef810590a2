#include "redis_ext.h"

__attribute__((visibility("default"))) void Init_redis_ext(void)
{
    VALUE polyphony = rb_define_module("Polyphony");
    VALUE redis = rb_define_class_under(polyphony, "Redis", rb_cObject);
    Init_polyphony_redis_reader(redis);
    Init_polyphony_redis_encoder(redis);
}
