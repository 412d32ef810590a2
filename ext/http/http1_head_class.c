#include "http_ext.h"
#include <string.h>

/*
 * Document-class: Polyphony::HTTP::HTTP1::RequestHead
 *
 * What a request says before its body. It owns a copy of the head's bytes and the index of them;
 * Strings are made when they are asked for.
 *
 * One object for a request: a server may give Parser.new a subclass, and keep what belongs to the
 * request in `context`.
 */

static void head_mark(void *pointer)
{
    struct request_head *head = pointer;
    rb_gc_mark_movable(head->headers);
    rb_gc_mark_movable(head->context);
    rb_gc_mark_movable(head->writer);
}

static void head_compact(void *pointer)
{
    struct request_head *head = pointer;
    head->headers = rb_gc_location(head->headers);
    head->context = rb_gc_location(head->context);
    head->writer = rb_gc_location(head->writer);
}

static size_t head_size(const void *pointer)
{
    return ((const struct request_head *)pointer)->allocated;
}

static const rb_data_type_t head_type = {
    .wrap_struct_name = "polyphony/http1_head",
    .function = {head_mark, RUBY_DEFAULT_FREE, head_size, head_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY | RUBY_TYPED_WB_PROTECTED,
};

struct request_head *request_head_get(VALUE self)
{
    return rb_check_typeddata(self, &head_type);
}

VALUE request_head_new(VALUE class, const struct http1_head *index, VALUE context, VALUE writer)
{
    size_t fields = index->count * sizeof(struct http1_field);
    size_t size = sizeof(struct request_head) + fields + index->size;
    struct request_head *head = ruby_xmalloc(size);
    head->index = *index;
    head->headers = Qnil;
    head->context = context;
    head->writer = writer;
    head->status = -1;
    head->allocated = size;
    memcpy(head->fields, index->fields, fields);
    char *bytes = (char *)head->fields + fields;
    memcpy(bytes, index->bytes, index->size);
    head->index.fields = head->fields;
    head->index.bytes = bytes;
    return TypedData_Wrap_Struct(class, &head_type, head);
}

static VALUE part(const struct request_head *head, struct http1_span span)
{
    return http_ascii(head->index.bytes + span.at, span.length);
}

/* --- the request line --- */

/* call-seq: method -> String: "GET", frozen */
static VALUE head_m_method(VALUE self)
{
    return http_method_string(request_head_get(self)->index.method);
}

/* call-seq: target -> String: the request target as it came */
static VALUE head_m_target(VALUE self)
{
    struct request_head *head = request_head_get(self);
    return part(head, head->index.target);
}

/*
 *  call-seq: path -> String
 *
 *  The target's path as it came, without the query; "/" for an absolute target without a path, "*"
 * for OPTIONS *, "" for CONNECT.
 */
static VALUE head_m_path(VALUE self)
{
    struct request_head *head = request_head_get(self);
    if (head->index.form == HTTP1_ABSOLUTE && head->index.path.length == 0)
        return http_ascii("/", 1);
    return part(head, head->index.path);
}

/* call-seq: query_string -> String: what follows "?", or "" */
static VALUE head_m_query_string(VALUE self)
{
    struct request_head *head = request_head_get(self);
    return part(head, head->index.query);
}

/* call-seq: scheme -> String or nil: "http" or "https" if the target is absolute */
static VALUE head_m_scheme(VALUE self)
{
    struct request_head *head = request_head_get(self);
    if (head->index.form != HTTP1_ABSOLUTE) return Qnil;
    return http_shared_string("https", head->index.scheme.length);
}

/* call-seq: authority -> String or nil: host and port, of the target or else of Host; frozen */
static VALUE head_m_authority(VALUE self)
{
    struct request_head *head = request_head_get(self);
    if (head->index.authority.length == 0) return Qnil;
    return http_shared_string(head->index.bytes + head->index.authority.at,
                              head->index.authority.length);
}

/* call-seq: version -> String: "HTTP/1.1" or "HTTP/1.0", frozen */
static VALUE head_m_version(VALUE self)
{
    return http_version_string(request_head_get(self)->index.minor);
}

/* --- fields --- */

/* In place if `old` is not shared, so that a name repeated a thousand times is not copied as often.
 */
VALUE http_join_values(VALUE old, VALUE value, unsigned known)
{
    VALUE joined = OBJ_FROZEN(old) ? rb_str_dup(old) : old;
    rb_str_cat_cstr(joined, known == HTTP1_NAME_COOKIE ? "; " : ", ");
    return rb_str_append(joined, value);
}

VALUE http_fields_hash(const struct http1_head *index)
{
    VALUE hash = rb_hash_new();
    for (uint32_t i = 0; i < index->count; i++) {
        const struct http1_field *field = &index->fields[i];
        VALUE name = http_name_string(index->bytes + field->name.at, field);
        VALUE value = http_value_string(index->bytes + field->value.at, field);
        VALUE old = rb_hash_lookup2(hash, name, Qnil);
        rb_hash_aset(hash, name, NIL_P(old) ? value : http_join_values(old, value, field->known));
    }
    return hash;
}

/*
 *  call-seq: headers -> Hash
 *
 *  All fields: names in lower case, frozen; several values of one name are joined by ", " (cookies
 * by
 *  "; "). Made at the first call.
 */
static VALUE head_m_headers(VALUE self)
{
    struct request_head *head = request_head_get(self);
    if (NIL_P(head->headers)) RB_OBJ_WRITE(self, &head->headers, http_fields_hash(&head->index));
    return head->headers;
}

static int has_name(const char *text, const struct http1_field *field, const char *name,
                    size_t size)
{
    if (field->name.length != size) return 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != name[i]) return 0;
    }
    return 1;
}

static int is_token(const char *name, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!http1_token[(unsigned char)name[i]]) return 0;
    return size > 0;
}

/*
 *  call-seq: head[name] -> String or nil
 *
 *  The value of a field by its name in lower case, as in #headers but without making the Hash.
 */
static VALUE head_m_aref(VALUE self, VALUE name)
{
    struct request_head *head = request_head_get(self);
    StringValue(name);
    if (!NIL_P(head->headers)) return rb_hash_lookup2(head->headers, name, Qnil);
    const char *wanted = RSTRING_PTR(name);
    size_t size = (size_t)RSTRING_LEN(name);
    unsigned known = is_token(wanted, size) ? http1_name_find(wanted, size) : HTTP1_NAME_UNKNOWN;
    VALUE found = Qnil;
    for (uint32_t i = 0; i < head->index.count; i++) {
        const struct http1_field *field = &head->fields[i];
        if (field->known != known) continue;
        if (!has_name(head->index.bytes + field->name.at, field, wanted, size)) continue;
        VALUE value = http_value_string(head->index.bytes + field->value.at, field);
        found = NIL_P(found) ? value : http_join_values(found, value, field->known);
    }
    RB_GC_GUARD(name);
    return found;
}

/*
 *  call-seq: each_header { |name, value| } -> self
 *
 *  Every field as it came, in order, repeated ones too; names in lower case.
 */
static VALUE head_m_each_header(VALUE self)
{
    struct request_head *head = request_head_get(self);
    RETURN_ENUMERATOR(self, 0, 0);
    for (uint32_t i = 0; i < head->index.count; i++) {
        const struct http1_field *field = &head->fields[i];
        VALUE name = http_name_string(head->index.bytes + field->name.at, field);
        rb_yield_values(2, name, http_value_string(head->index.bytes + field->value.at, field));
    }
    RB_GC_GUARD(self);
    return self;
}

/* --- what it means for the connection --- */

static VALUE flag(VALUE self, unsigned bit)
{
    return request_head_get(self)->index.flags & bit ? Qtrue : Qfalse;
}

/* call-seq: keep_alive? -> true or false: whether the client lets the connection go on */
static VALUE head_m_keep_alive_p(VALUE self)
{
    return flag(self, HTTP1_KEEP_ALIVE);
}

/* call-seq: upgrade? -> true or false: whether the client offers another protocol (head['upgrade'])
 */
static VALUE head_m_upgrade_p(VALUE self)
{
    return flag(self, HTTP1_UPGRADE);
}

/* call-seq: protocol_name -> String or nil: what an extended CONNECT of HTTP/2 asks for (RFC 8441) */
static VALUE head_m_protocol_name(VALUE self)
{
    struct http1_head *index = &request_head_get(self)->index;
    if (index->protocol.length == 0) return Qnil;
    return http_shared_string(index->bytes + index->protocol.at, index->protocol.length);
}

/* call-seq: chunked? -> true or false: whether a body of unknown length comes */
static VALUE head_m_chunked_p(VALUE self)
{
    return flag(self, HTTP1_CHUNKED);
}

/* call-seq: expect_continue? -> true or false: whether the body comes only after 100 (Continue) */
static VALUE head_m_expect_continue_p(VALUE self)
{
    return flag(self, HTTP1_EXPECT_CONTINUE);
}

/* call-seq: content_length -> Integer or nil: what the field says, in bytes */
static VALUE head_m_content_length(VALUE self)
{
    struct request_head *head = request_head_get(self);
    return head->index.flags & HTTP1_HAS_LENGTH ? ULL2NUM(head->index.content_length) : Qnil;
}

/* call-seq: body? -> true or false: whether a body of at least one byte, or of unknown length,
 * comes */
static VALUE head_m_body_p(VALUE self)
{
    struct request_head *head = request_head_get(self);
    return request_head_has_body(head) ? Qtrue : Qfalse;
}

/* call-seq: context -> Object: whatever the server has put here; nil at first */
static VALUE head_m_context(VALUE self)
{
    return request_head_get(self)->context;
}

static VALUE head_m_set_context(VALUE self, VALUE context)
{
    RB_OBJ_WRITE(self, &request_head_get(self)->context, context);
    return context;
}

/* call-seq: inspect -> String: the request line, and how many fields; values may be secrets */
static VALUE head_m_inspect(VALUE self)
{
    struct request_head *head = request_head_get(self);
    return rb_sprintf("#<%" PRIsVALUE " %" PRIsVALUE " %" PRIsVALUE " %" PRIsVALUE " fields=%u>",
                      rb_obj_class(self), head_m_method(self), part(head, head->index.target),
                      head_m_version(self), head->index.count);
}

VALUE Init_polyphony_http1_head(VALUE http1)
{
    VALUE head = rb_define_class_under(http1, "RequestHead", rb_cObject);
    rb_undef_alloc_func(head);
    rb_define_method(head, "method", head_m_method, 0);
    rb_define_method(head, "target", head_m_target, 0);
    rb_define_method(head, "path", head_m_path, 0);
    rb_define_method(head, "query_string", head_m_query_string, 0);
    rb_define_method(head, "scheme", head_m_scheme, 0);
    rb_define_method(head, "authority", head_m_authority, 0);
    rb_define_method(head, "version", head_m_version, 0);
    rb_define_method(head, "headers", head_m_headers, 0);
    rb_define_method(head, "[]", head_m_aref, 1);
    rb_define_method(head, "each_header", head_m_each_header, 0);
    rb_define_method(head, "keep_alive?", head_m_keep_alive_p, 0);
    rb_define_method(head, "upgrade?", head_m_upgrade_p, 0);
    rb_define_method(head, "protocol_name", head_m_protocol_name, 0);
    rb_define_method(head, "chunked?", head_m_chunked_p, 0);
    rb_define_method(head, "expect_continue?", head_m_expect_continue_p, 0);
    rb_define_method(head, "content_length", head_m_content_length, 0);
    rb_define_method(head, "body?", head_m_body_p, 0);
    rb_define_method(head, "context", head_m_context, 0);
    rb_define_method(head, "context=", head_m_set_context, 1);
    rb_define_method(head, "inspect", head_m_inspect, 0);
    return head;
}
