#include "http_ext.h"
#include <string.h>

/* RequestHead#fill_env: the part of a Rack env that a request decides. */

static VALUE key_method, key_path, key_query, key_uri, key_protocol, key_server_name,
    key_server_port;

static VALUE empty;

static VALUE key(const char *name)
{
    VALUE string = rb_enc_interned_str_cstr(name, rb_utf8_encoding());
    rb_gc_register_mark_object(string);
    return string;
}

/* host[:port], the host of an IPv6 address in its brackets */
static void fill_server(VALUE env, const char *authority, size_t size)
{
    const char *end = authority + size, *colon = end;
    while (colon > authority && colon[-1] >= '0' && colon[-1] <= '9') colon--;
    int has_port = colon > authority && colon[-1] == ':';
    size_t host = has_port ? (size_t)(colon - 1 - authority) : size;
    rb_hash_aset(env, key_server_name, http_shared_string(authority, host));
    if (has_port && colon < end)
        rb_hash_aset(env, key_server_port, http_shared_string(colon, (size_t)(end - colon)));
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
    VALUE path = index->path.length == 0 && index->form == HTTP1_ABSOLUTE
                     ? http_ascii("/", 1)
                     : http_ascii(index->bytes + index->path.at, index->path.length);
    rb_hash_aset(env, key_method, http_method_string(index->method));
    rb_hash_aset(env, key_path, path);
    rb_hash_aset(env, key_query, http_ascii(index->bytes + index->query.at, index->query.length));
    rb_hash_aset(env, key_uri, http_ascii(index->bytes + index->target.at, index->target.length));
    rb_hash_aset(env, key_protocol, http_version_string(index->minor));
    if (index->authority.length > 0)
        fill_server(env, index->bytes + index->authority.at, index->authority.length);
    fill_fields(env, index);
    RB_GC_GUARD(self);
    return env;
}

/* call-seq: to_env(template) -> Hash: a copy of what RequestHead.env_template made, filled by
 * #fill_env */
static VALUE head_m_to_env(VALUE self, VALUE template)
{
    Check_Type(template, T_HASH);
    return head_m_fill_env(self, rb_hash_dup(template));
}

/* What is not there gets an empty value, so that its place is kept. */
static void reserve_key(VALUE hash, VALUE key)
{
    if (NIL_P(rb_hash_lookup2(hash, key, Qnil))) rb_hash_aset(hash, key, empty);
}

/* Entries that a copy has room for without growing, which costs more than all the rest of #to_env.
 */
#define ROOM 32

/*
 *  call-seq: RequestHead.env_template(env) -> Hash
 *
 *  A frozen copy of +env+, what all requests of a listener have in common, for #to_env: with room
 * for what requests add. +env+ may be any Hash without keys of HTTP_.
 */
static VALUE head_s_env_template(VALUE class, VALUE env)
{
    VALUE keys[] = {key_method,   key_path,        key_query,      key_uri,
                    key_protocol, key_server_name, key_server_port};
    Check_Type(env, T_HASH);
    VALUE template = rb_hash_dup(env);
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) reserve_key(template, keys[i]);
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
    key_method = key("REQUEST_METHOD");
    key_path = key("PATH_INFO");
    key_query = key("QUERY_STRING");
    key_uri = key("REQUEST_URI");
    key_protocol = key("SERVER_PROTOCOL");
    key_server_name = key("SERVER_NAME");
    key_server_port = key("SERVER_PORT");
    rb_define_method(head, "fill_env", head_m_fill_env, 1);
    rb_define_method(head, "to_env", head_m_to_env, 1);
    rb_define_singleton_method(head, "env_template", head_s_env_template, 1);
}
