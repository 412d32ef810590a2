#include "http_ext.h"
#include <string.h>

/* RequestHead#fill_env: the part of a Rack env that a request decides. */

/* The keys that are set for each request, in the order that a template has them in. */
enum {
    KEY_METHOD,
    KEY_PATH,
    KEY_QUERY,
    KEY_URI,
    KEY_PROTOCOL,
    KEY_SERVER_NAME,
    KEY_SERVER_PORT,
    OWN_KEYS,
    KEY_REMOTE_ADDR = OWN_KEYS, /* from here on with an origin only */
    KEY_HIJACK,
    KEY_EARLY_HINTS,
    KEY_FINISHED,
    KEY_REQUEST,
    KEYS
};

static VALUE keys[KEYS];
static const char *const key_names[KEYS] = {
    "REQUEST_METHOD", "PATH_INFO",   "QUERY_STRING", "REQUEST_URI",
    "SERVER_PROTOCOL", "SERVER_NAME", "SERVER_PORT",  "REMOTE_ADDR",
    "rack.hijack",     "rack.early_hints", "rack.response_finished", "polyphony.request"};

static VALUE empty;

/* Entries that a copy has room for without growing, which costs more than all the rest of #to_env.
 */
#define ROOM 32

/* host[:port], the host of an IPv6 address in its brackets */
static void fill_server(VALUE *values, const char *authority, size_t size)
{
    const char *end = authority + size, *colon = end;
    while (colon > authority && colon[-1] >= '0' && colon[-1] <= '9') colon--;
    int has_port = colon > authority && colon[-1] == ':';
    size_t host = has_port ? (size_t)(colon - 1 - authority) : size;
    values[KEY_SERVER_NAME] = http_shared_string(authority, host);
    if (has_port && colon < end)
        values[KEY_SERVER_PORT] = http_shared_string(colon, (size_t)(end - colon));
}

/* What the request decides; Qundef is left as it is. */
static void fill_values(VALUE *values, const struct http1_head *index)
{
    for (int i = 0; i < KEYS; i++) values[i] = Qundef;
    values[KEY_METHOD] = http_method_string(index->method);
    values[KEY_PATH] = index->path.length == 0 && index->form == HTTP1_ABSOLUTE
                           ? http_ascii("/", 1)
                           : http_ascii(index->bytes + index->path.at, index->path.length);
    values[KEY_QUERY] =
        index->query.length > 0
            ? http_ascii(index->bytes + index->query.at, index->query.length)
            : empty;
    values[KEY_URI] = http_shared_target(index->bytes + index->target.at, index->target.length);
    values[KEY_PROTOCOL] = http_version_string(index->minor);
    if (index->authority.length > 0)
        fill_server(values, index->bytes + index->authority.at, index->authority.length);
}

static void set_values(VALUE env, const VALUE *values)
{
    for (int i = 0; i < KEYS; i++)
        if (values[i] != Qundef) rb_hash_aset(env, keys[i], values[i]);
}

static void fill_fields(VALUE env, const struct http1_head *index)
{
    uint64_t seen = 0; /* bit n: the known name n came already; bit 0: some unknown name */
    for (uint32_t i = 0; i < index->count; i++) {
        const struct http1_field *field = &index->fields[i];
        VALUE name = http_env_key(index->bytes + field->name.at, field);
        if (!name) continue;
        VALUE value = http_value_string(index->bytes + field->value.at, field);
        uint64_t bit = UINT64_C(1) << field->known;
        if (seen & bit) {
            VALUE old = rb_hash_lookup2(env, name, Qnil);
            if (!NIL_P(old)) value = http_join_values(old, value, field->known);
        }
        seen |= bit;
        rb_hash_aset(env, name, value);
    }
}

/*
 *  call-seq: fill_env(env) -> env
 *
 *  Sets what the request decides in a Rack env: REQUEST_METHOD, PATH_INFO, QUERY_STRING,
 * REQUEST_URI, SERVER_PROTOCOL, SERVER_NAME and SERVER_PORT (as far as the request names them),
 * CONTENT_LENGTH, CONTENT_TYPE and HTTP_*. The Hash must not have keys with HTTP_.
 *
 *  Keys are frozen and shared, values of fields often too. Left out are fields whose name has an
 *  underscore, as X_Real_IP would pass for X-Real-IP, and the field Version, as HTTP_VERSION means
 * another.
 */
static VALUE head_m_fill_env(VALUE self, VALUE env)
{
    struct http1_head *index = &request_head_get(self)->index;
    Check_Type(env, T_HASH);
    VALUE values[KEYS];
    fill_values(values, index);
    set_values(env, values);
    fill_fields(env, index);
    RB_GC_GUARD(self);
    return env;
}

#if defined(HAVE_RB_HASH_TBL) && defined(HAVE_RB_ST_FOREACH_WITH_REPLACE)
/* A copy of a template has the keys where the template has them: their values are replaced in place,
   which costs a tenth of looking each of them up. */
struct replacing {
    const VALUE *values;
    int next, placed;
};

static int replace_p(st_data_t key, st_data_t value, st_data_t pointer, int error)
{
    struct replacing *r = (struct replacing *)pointer;
    while (r->next < KEYS && keys[r->next] != (VALUE)key) r->next++; /* the template has not all */
    if (r->next == KEYS) return ST_STOP;
    if (r->values[r->next] != Qundef) return ST_REPLACE;
    r->next++;
    return ST_CONTINUE;
}

static int replace(st_data_t *key, st_data_t *value, st_data_t pointer, int existing)
{
    struct replacing *r = (struct replacing *)pointer;
    *value = (st_data_t)r->values[r->next++];
    r->placed++;
    return ST_CONTINUE;
}

static void replace_values(VALUE env, const VALUE *values)
{
    struct replacing r = {values, 0, 0};
    int given = 0;
    st_foreach_with_replace(RHASH_TBL(env), replace_p, replace, (st_data_t)&r);
    for (int i = 0; i < KEYS; i++) {
        if (values[i] == Qundef) continue;
        RB_OBJ_WRITTEN(env, Qundef, values[i]);
        given++;
    }
    if (r.placed < given) set_values(env, values); /* it was no template */
}
#else
#define replace_values set_values
#endif

/*
 *  call-seq: to_env(template, origin = nil) -> Hash
 *
 *  A copy of what RequestHead.env_template made, filled by #fill_env. With +origin+, an Array of the
 *  template, REMOTE_ADDR, rack.hijack (or nil: the template has none) and rack.early_hints, these
 *  are set too, with an empty Array for rack.response_finished and the request itself for
 *  polyphony.request: the template must have all these keys.
 */
static VALUE head_m_to_env(int argc, VALUE *argv, VALUE self)
{
    rb_check_arity(argc, 1, 2);
    struct http1_head *index = &request_head_get(self)->index;
    VALUE template = argv[0], origin = argc > 1 ? argv[1] : Qnil, values[KEYS];
    Check_Type(template, T_HASH);
    fill_values(values, index);
    if (!NIL_P(origin)) {
        Check_Type(origin, T_ARRAY);
        VALUE hijack = rb_ary_entry(origin, 2);
        values[KEY_REMOTE_ADDR] = rb_ary_entry(origin, 1);
        if (!NIL_P(hijack)) values[KEY_HIJACK] = hijack;
        values[KEY_EARLY_HINTS] = rb_ary_entry(origin, 3);
        values[KEY_FINISHED] = rb_ary_new();
        values[KEY_REQUEST] = self;
    }
    VALUE env = rb_hash_dup(template);
    replace_values(env, values);
    fill_fields(env, index);
    RB_GC_GUARD(self);
    for (int i = 0; i < KEYS; i++) RB_GC_GUARD(values[i]);
    return env;
}

static int copy_other(VALUE key, VALUE value, VALUE template)
{
    if (rb_hash_lookup2(template, key, Qundef) == Qundef) rb_hash_aset(template, key, value);
    return ST_CONTINUE;
}

/*
 *  call-seq: RequestHead.env_template(env) -> Hash
 *
 *  A frozen copy of +env+, what all requests of a listener have in common, for #to_env: with room
 * for what requests add. +env+ may be any Hash without keys of HTTP_.
 */
static VALUE head_s_env_template(VALUE class, VALUE env)
{
    Check_Type(env, T_HASH);
    VALUE template = rb_hash_new();
    for (int i = 0; i < KEYS; i++) { /* what is not there gets an empty value: its place is kept */
        VALUE value = rb_hash_lookup2(env, keys[i], i < OWN_KEYS ? empty : Qundef);
        if (i < OWN_KEYS && NIL_P(value)) value = empty;
        if (value != Qundef) rb_hash_aset(template, keys[i], value);
    }
    rb_hash_foreach(env, copy_other, template);
    /* A Hash keeps its size when entries are deleted, and hands it on to its copies. */
    long size = RHASH_SIZE(template);
    for (long i = size; i < ROOM / 2 + 1; i++) rb_hash_aset(template, LONG2FIX(i), Qnil);
    for (long i = size; i < ROOM / 2 + 1; i++) rb_hash_delete(template, LONG2FIX(i));
    return rb_obj_freeze(template);
}

void Init_polyphony_http1_env(VALUE head)
{
    _Static_assert(HTTP1_NAME_COUNT <= 64, "fill_fields has a bit for each known name");
    rb_gc_register_mark_object(empty = rb_obj_freeze(rb_utf8_str_new("", 0)));
    for (int i = 0; i < KEYS; i++) {
        keys[i] = rb_enc_interned_str_cstr(key_names[i], rb_utf8_encoding());
        rb_gc_register_mark_object(keys[i]);
    }
    rb_define_method(head, "fill_env", head_m_fill_env, 1);
    rb_define_method(head, "to_env", head_m_to_env, -1);
    rb_define_singleton_method(head, "env_template", head_s_env_template, 1);
}
