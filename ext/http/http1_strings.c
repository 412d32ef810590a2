#include "http_ext.h"
#include <string.h>

/*
 * Strings that requests share: names of methods, fields and Rack's keys, made once, and values that
 * clients repeat with every request.
 */

#define METHODS 64
static VALUE methods[METHODS], versions[3];
static VALUE names[HTTP1_NAME_COUNT], env_keys[HTTP1_NAME_COUNT];

enum sharing { OWN, SAME };
static const uint8_t sharing[] = {OWN,
#define X(id, name, how) how,
                                  HTTP1_NAMES(X)
#undef X
};

VALUE http_ascii(const char *bytes, size_t size)
{
    VALUE string = rb_utf8_str_new(bytes, (long)size);
    ENC_CODERANGE_SET(string, ENC_CODERANGE_7BIT);
    return string;
}

VALUE http_text(const char *bytes, size_t size, int high)
{
    return high ? rb_str_new(bytes, (long)size) : http_ascii(bytes, size);
}

static VALUE interned(const char *bytes, size_t size)
{
    return rb_enc_interned_str(bytes, (long)size, rb_utf8_encoding());
}

static VALUE keep(VALUE string)
{
    rb_gc_register_mark_object(string);
    return string;
}

/* --- values that come again and again --- */

/* A cache of a fixed size for all connections; a value stays until another falls on its slot. It is
   an object, so that the collector need not look at all of it each time. */
#define VALUES 512
#define LONGEST 256
#define LONGEST_TARGET 64

struct values {
    VALUE slot[VALUES];
};

static void values_mark(void *pointer)
{
    struct values *values = pointer;
    for (int i = 0; i < VALUES; i++)
        if (values->slot[i]) rb_gc_mark_movable(values->slot[i]);
}

static void values_compact(void *pointer)
{
    struct values *values = pointer;
    for (int i = 0; i < VALUES; i++)
        if (values->slot[i]) values->slot[i] = rb_gc_location(values->slot[i]);
}

static size_t values_size(const void *pointer)
{
    return sizeof(struct values);
}

static const rb_data_type_t values_type = {
    .wrap_struct_name = "polyphony/http_values",
    .function = {values_mark, RUBY_DEFAULT_FREE, values_size, values_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

/* Targets have one of their own: they are many, and would drive out what comes with every request. */
static VALUE values_object, targets_object;
static struct values *values, *targets;

static unsigned hash(const char *bytes, size_t size)
{
    uint64_t h = size * UINT64_C(0x9e3779b97f4a7c15), word;
    for (; size >= 8; bytes += 8, size -= 8) {
        memcpy(&word, bytes, 8);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    word = 0;
    memcpy(&word, bytes, size);
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(h >> 55); /* nine bits: VALUES */
}

static VALUE shared(VALUE object, struct values *cache, const char *bytes, size_t size)
{
    VALUE *slot = &cache->slot[hash(bytes, size)], string = *slot;
    if (string && (size_t)RSTRING_LEN(string) == size && !memcmp(RSTRING_PTR(string), bytes, size))
        return string;
    string = rb_obj_freeze(http_ascii(bytes, size));
    RB_OBJ_WRITE(object, slot, string);
    return string;
}

VALUE http_shared_string(const char *bytes, size_t size)
{
    return size > LONGEST ? http_ascii(bytes, size) : shared(values_object, values, bytes, size);
}

VALUE http_shared_target(const char *bytes, size_t size)
{
    return size > LONGEST_TARGET ? http_ascii(bytes, size)
                                 : shared(targets_object, targets, bytes, size);
}

VALUE http_value_string(const char *value, const struct http1_field *field)
{
    size_t size = field->value.length;
    return sharing[field->known] == SAME && !field->high ? http_shared_string(value, size)
                                                         : http_text(value, size, field->high);
}

/* --- names --- */

VALUE http_version_string(unsigned minor)
{
    return versions[minor];
}

VALUE http_method_string(unsigned method)
{
    return methods[method];
}

VALUE http_name_string(const char *name, const struct http1_field *field)
{
    if (field->known) return names[field->known];
    char small[64], *lower = small;
    VALUE holder = Qnil;
    size_t size = field->name.length;
    if (size > sizeof(small)) lower = RSTRING_PTR(holder = rb_str_buf_new((long)size));
    for (size_t i = 0; i < size; i++)
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    VALUE string = interned(lower, size);
    RB_GC_GUARD(holder);
    return string;
}

/* Writes HTTP_NAME; false for a name with "_", which could pass for another with "-". */
static int write_key(char *key, const char *name, size_t size)
{
    memcpy(key, "HTTP_", 5);
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        if (c == '_') return 0;
        key[5 + i] = (char)(c == '-' ? '_' : c >= 'a' && c <= 'z' ? c & ~0x20 : c);
    }
    return 1;
}

VALUE http_env_key(const char *name, const struct http1_field *field)
{
    if (field->known) return env_keys[field->known];
    char small[64], *key = small;
    VALUE holder = Qnil, string = 0;
    size_t size = field->name.length;
    if (size + 5 > sizeof(small)) key = RSTRING_PTR(holder = rb_str_buf_new((long)size + 5));
    if (write_key(key, name, size)) string = interned(key, size + 5);
    RB_GC_GUARD(holder);
    return string;
}

static VALUE env_key_of(unsigned id, const char *name, size_t size)
{
    char key[64];
    switch (id) {
    case HTTP1_NAME_CONTENT_LENGTH:
        return keep(interned("CONTENT_LENGTH", 14));
    case HTTP1_NAME_CONTENT_TYPE:
        return keep(interned("CONTENT_TYPE", 12));
    case HTTP1_NAME_VERSION: /* HTTP_VERSION is, by tradition, the protocol's */
        return 0;
    default:
        write_key(key, name, size);
        return keep(interned(key, size + 5));
    }
}

void Init_polyphony_http1_strings(void)
{
    unsigned id = 1;
#define X(constant, name, how)                                                                     \
    names[id] = keep(interned(name, sizeof(name) - 1));                                            \
    env_keys[id] = env_key_of(id, name, sizeof(name) - 1);                                         \
    id++;
    HTTP1_NAMES(X)
#undef X
#define XX(number, name, string) methods[number] = keep(interned(#string, sizeof(#string) - 1));
    HTTP_METHOD_MAP(XX)
#undef XX
    versions[0] = keep(interned("HTTP/1.0", 8));
    versions[1] = keep(interned("HTTP/1.1", 8));
    versions[2] = keep(interned("HTTP/2", 6));
    values_object = keep(TypedData_Make_Struct(rb_cObject, struct values, &values_type, values));
    targets_object = keep(TypedData_Make_Struct(rb_cObject, struct values, &values_type, targets));
}
