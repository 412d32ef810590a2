#include "redis_ext.h"
#include "resp.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Polyphony::Redis::Reader: bytes in, in pieces of any size; replies out, as Ruby objects.
 *
 * Bytes that are not understood yet wait in `bytes`. What is nested is built on a stack of frames
 * on the heap, so that no depth of nesting is a depth of calls. The bytes of a large bulk string go
 * straight into its String.
 */

struct frame {
    VALUE object;      /* an Array or Hash; nil: an attribute, which nobody asked for */
    VALUE key;         /* of a Hash: when its value is next */
    long long missing; /* elements; of a Hash keys and values */
    int has_key;
};

struct reader {
    char *bytes;
    size_t start, end, capacity; /* not understood yet: from start to end */
    struct frame *frames;
    int depth, room, max_depth;
    VALUE bulk; /* the String that is being received */
    size_t bulk_size;
    enum resp_type bulk_type;
    size_t max_bulk;
    VALUE errors; /* makes an error of its message: CommandError.parse */
    VALUE protocol_error;
    int pushed; /* the last reply was none: the server sent it unasked */
    const char *broken;
};

static VALUE incomplete, ok_string;

static void reader_mark(void *pointer)
{
    struct reader *r = pointer;
    rb_gc_mark_movable(r->bulk);
    rb_gc_mark_movable(r->errors);
    rb_gc_mark_movable(r->protocol_error);
    for (int i = 0; i < r->depth; i++) {
        rb_gc_mark_movable(r->frames[i].object);
        rb_gc_mark_movable(r->frames[i].key);
    }
}

static void reader_compact(void *pointer)
{
    struct reader *r = pointer;
    r->bulk = rb_gc_location(r->bulk);
    r->errors = rb_gc_location(r->errors);
    r->protocol_error = rb_gc_location(r->protocol_error);
    for (int i = 0; i < r->depth; i++) {
        r->frames[i].object = rb_gc_location(r->frames[i].object);
        r->frames[i].key = rb_gc_location(r->frames[i].key);
    }
}

static void reader_free(void *pointer)
{
    struct reader *r = pointer;
    ruby_xfree(r->bytes);
    ruby_xfree(r->frames);
    ruby_xfree(r);
}

static size_t reader_size(const void *pointer)
{
    const struct reader *r = pointer;
    return sizeof(*r) + r->capacity + (size_t)r->room * sizeof(*r->frames);
}

/* Without write barriers: there are few readers, and what they refer to changes all the time. */
static const rb_data_type_t reader_type = {
    .wrap_struct_name = "polyphony_redis_reader",
    .function = {.dmark = reader_mark,
                 .dfree = reader_free,
                 .dsize = reader_size,
                 .dcompact = reader_compact},
    .flags = RUBY_TYPED_FREE_IMMEDIATELY,
};

static inline struct reader *reader_get(VALUE self)
{
    struct reader *r;
    TypedData_Get_Struct(self, struct reader, &reader_type, r);
    return r;
}

static VALUE reader_alloc(VALUE class)
{
    struct reader *r;
    VALUE self = TypedData_Make_Struct(class, struct reader, &reader_type, r);
    r->bulk = r->errors = r->protocol_error = Qnil;
    return self;
}

/*
 *  call-seq: new(errors, protocol_error, max_bulk = 512 MiB, max_depth = 128)
 *
 *  +errors+.parse(message) makes the object for an error reply. +protocol_error+ is the class of
 * what is raised when the bytes are not RESP, or beyond the limits.
 */
static VALUE reader_initialize(int argc, VALUE *argv, VALUE self)
{
    struct reader *r = reader_get(self);
    rb_check_arity(argc, 2, 4);
    r->errors = argv[0];
    r->protocol_error = argv[1];
    r->max_bulk = argc > 2 ? NUM2SIZET(argv[2]) : (size_t)512 << 20;
    r->max_depth = argc > 3 ? NUM2INT(argv[3]) : 128;
    return self;
}

/* --- bytes --- */

static void make_room(struct reader *r, size_t size)
{
    size_t held = r->end - r->start;
    if (r->capacity - r->end >= size) return;
    if (r->start > 0) {
        memmove(r->bytes, r->bytes + r->start, held);
        r->start = 0;
        r->end = held;
    }
    if (r->capacity - r->end >= size) return;
    size_t capacity = (held + size) * 2;
    REALLOC_N(r->bytes, char, capacity);
    r->capacity = capacity;
}

/* What belongs to the bulk string goes there at once, if nothing is before it. */
static long take_directly(struct reader *r, const char *bytes, long size)
{
    if (NIL_P(r->bulk) || r->start < r->end) return 0;
    size_t missing = r->bulk_size - (size_t)RSTRING_LEN(r->bulk);
    long taken = missing < (size_t)size ? (long)missing : size;
    if (taken > 0) rb_str_cat(r->bulk, bytes, taken);
    return taken;
}

/* call-seq: feed(string) -> self: takes bytes that have come. */
static VALUE reader_feed(VALUE self, VALUE string)
{
    struct reader *r = reader_get(self);
    StringValue(string);
    long taken = take_directly(r, RSTRING_PTR(string), RSTRING_LEN(string));
    size_t rest = (size_t)(RSTRING_LEN(string) - taken);
    if (rest > 0) {
        make_room(r, rest);
        memcpy(r->bytes + r->end, RSTRING_PTR(string) + taken, rest);
        r->end += rest;
    }
    RB_GC_GUARD(string);
    return self;
}

/* --- objects --- */

static void __attribute__((noreturn)) fail(struct reader *r, const char *problem)
{
    r->broken = problem;
    rb_raise(r->protocol_error, "the server sent something that is not RESP: %s", problem);
}

/* Text is UTF-8 if it can be, as in redis-client's own driver; else BINARY. */
static VALUE with_encoding(VALUE string)
{
    if (rb_enc_str_coderange(string) == ENC_CODERANGE_BROKEN)
        rb_enc_associate_index(string, rb_ascii8bit_encindex());
    return string;
}

static VALUE text(const char *bytes, size_t size)
{
    return with_encoding(rb_utf8_str_new(bytes, (long)size));
}

static VALUE status(const struct resp_line *line)
{
    if (line->size == 2 && memcmp(line->text, "OK", 2) == 0) return ok_string;
    return rb_str_freeze(text(line->text, line->size));
}

static VALUE double_value(struct reader *r, const struct resp_line *line)
{
    char digits[64], *end;
    if (line->size == 0 || line->size >= sizeof(digits)) fail(r, "a double that is none");
    memcpy(digits, line->text, line->size);
    digits[line->size] = '\0';
    double value = strtod(digits, &end);
    if (*end != '\0') fail(r, "a double that is none");
    return DBL2NUM(value);
}

static VALUE big_number(struct reader *r, const struct resp_line *line)
{
    size_t i = line->size > 0 && (line->text[0] == '-' || line->text[0] == '+');
    if (i == line->size) fail(r, "a big number that is none");
    for (; i < line->size; i++)
        if (line->text[i] < '0' || line->text[i] > '9') fail(r, "a big number that is none");
    VALUE digits = rb_str_new(line->text, (long)line->size);
    return rb_str_to_inum(digits, 10, 1);
}

/* A method of Ruby makes the error: should it raise, the reader is at a loss where it stands. */
static VALUE error_value(struct reader *r, VALUE message)
{
    r->broken = "an error that could not be understood";
    VALUE error = rb_funcall(r->errors, rb_intern("parse"), 1, message);
    r->broken = NULL;
    return error;
}

/* --- what is nested --- */

#define FIRST_FRAMES 8
#define MAX_ELEMENTS (1LL << 31)
/* Room that is made before anything has come: the number is only what the server says. */
#define FIRST_ELEMENTS 4096

static void push_frame(struct reader *r, VALUE object, long long missing)
{
    if (r->depth >= r->max_depth) fail(r, "a reply that is nested too deeply");
    if (r->depth == r->room) {
        int room = r->room ? r->room * 2 : FIRST_FRAMES;
        REALLOC_N(r->frames, struct frame, room);
        r->room = room;
    }
    r->frames[r->depth++] = (struct frame){object, Qnil, missing, 0};
}

/* Qundef: its elements are to come first. */
static VALUE begin_aggregate(struct reader *r, const struct resp_line *line)
{
    long long count = line->number;
    if (count < 0) return Qnil;
    if (count > MAX_ELEMENTS) fail(r, "a reply of too many elements");
    if (line->type == RESP_MAP || line->type == RESP_ATTRIBUTE) {
        VALUE hash = line->type == RESP_MAP ? rb_hash_new() : Qnil;
        if (count == 0) return line->type == RESP_MAP ? hash : Qundef;
        push_frame(r, hash, count * 2);
        return Qundef;
    }
    if (line->type == RESP_PUSH && r->depth == 0) r->pushed = 1;
    VALUE array = rb_ary_new_capa((long)(count < FIRST_ELEMENTS ? count : FIRST_ELEMENTS));
    if (count == 0) return array;
    push_frame(r, array, count);
    return Qundef;
}

static void add_pair(struct frame *frame, VALUE value)
{
    if (!frame->has_key) {
        frame->key =
            RB_TYPE_P(value, T_STRING) || RB_TYPE_P(value, T_ARRAY) ? rb_obj_freeze(value) : value;
        frame->has_key = 1;
        return;
    }
    rb_hash_aset(frame->object, frame->key, value);
    frame->key = Qnil;
    frame->has_key = 0;
}

/* Adds a value where it belongs. The whole reply if that was its last; Qundef if more is to come.
 */
static VALUE deliver(struct reader *r, VALUE value)
{
    while (r->depth > 0) {
        struct frame *frame = &r->frames[r->depth - 1];
        if (RB_TYPE_P(frame->object, T_HASH))
            add_pair(frame, value);
        else if (!NIL_P(frame->object))
            rb_ary_push(frame->object, value);
        if (--frame->missing > 0) return Qundef;
        value = frame->object;
        r->depth--;
        if (NIL_P(value)) return Qundef; /* an attribute: what it is about follows */
    }
    return value;
}

/* --- bulk strings --- */

#define VERBATIM_PREFIX 4 /* "txt:" */

static VALUE bulk_value(struct reader *r, VALUE string, enum resp_type type)
{
    if (type == RESP_BULK) return with_encoding(string);
    if (type == RESP_BULK_ERROR) return error_value(r, with_encoding(string));
    long size = RSTRING_LEN(string);
    if (size < VERBATIM_PREFIX) fail(r, "a verbatim string without a format");
    return text(RSTRING_PTR(string) + VERBATIM_PREFIX, (size_t)(size - VERBATIM_PREFIX));
}

static void check_end(struct reader *r, const char *bytes)
{
    if (bytes[0] != '\r' || bytes[1] != '\n') fail(r, "a string of another length than announced");
}

/* Much of it may have been announced by a server that never sends it: a String grows as it comes.
 */
#define FIRST_BULK (1 << 20)

static VALUE begin_bulk(struct reader *r, const struct resp_line *line)
{
    if (line->number < 0) return Qnil;
    size_t size = (size_t)line->number;
    if (size > r->max_bulk) fail(r, "a string of more bytes than the limit");
    const char *bytes = r->bytes + r->start;
    if (r->end - r->start >= size + 2) {
        check_end(r, bytes + size);
        VALUE string = rb_utf8_str_new(bytes, (long)size);
        r->start += size + 2;
        return bulk_value(r, string, line->type);
    }
    VALUE string = rb_str_buf_new((long)(size < FIRST_BULK ? size : FIRST_BULK));
    rb_enc_associate_index(string, rb_utf8_encindex());
    r->bulk_size = size;
    r->bulk_type = line->type;
    r->bulk = string;
    return Qundef;
}

/* Takes what there is of the string; Qundef: more must come. */
static VALUE continue_bulk(struct reader *r)
{
    size_t missing = r->bulk_size - (size_t)RSTRING_LEN(r->bulk);
    size_t held = r->end - r->start;
    size_t taken = missing < held ? missing : held;
    if (taken > 0) {
        rb_str_cat(r->bulk, r->bytes + r->start, (long)taken);
        r->start += taken;
    }
    if (missing > taken || r->end - r->start < 2) return Qundef;
    check_end(r, r->bytes + r->start);
    r->start += 2;
    VALUE string = r->bulk;
    r->bulk = Qnil;
    return bulk_value(r, string, r->bulk_type);
}

/* --- replies --- */

static VALUE value_of(struct reader *r, const struct resp_line *line)
{
    switch (line->type) {
    case RESP_STATUS:
        return status(line);
    case RESP_ERROR:
        return error_value(r, text(line->text, line->size));
    case RESP_INTEGER:
        return LL2NUM(line->number);
    case RESP_NULL:
        return Qnil;
    case RESP_BOOLEAN:
        return line->text[0] == 't' ? Qtrue : Qfalse;
    case RESP_DOUBLE:
        return double_value(r, line);
    case RESP_BIG_NUMBER:
        return big_number(r, line);
    case RESP_BULK:
    case RESP_BULK_ERROR:
    case RESP_VERBATIM:
        return begin_bulk(r, line);
    default:
        return begin_aggregate(r, line);
    }
}

/*
 *  call-seq: next -> Object or INCOMPLETE
 *
 *  The next reply; the constant INCOMPLETE if not all of it has come. Errors are objects, not
 * raised. Raises the class given to new() for bytes that are not RESP, and from then on.
 */
static VALUE reader_next(VALUE self)
{
    struct reader *r = reader_get(self);
    if (r->broken) fail(r, r->broken);
    if (r->depth == 0 && NIL_P(r->bulk)) r->pushed = 0;
    for (;;) {
        VALUE value;
        if (!NIL_P(r->bulk)) {
            value = continue_bulk(r);
            if (value == Qundef) return incomplete;
        } else {
            struct resp_line line;
            const char *problem;
            long size = resp_read_line(r->bytes + r->start, r->end - r->start, &line, &problem);
            if (size == RESP_MORE) return incomplete;
            if (size == RESP_WRONG) fail(r, problem);
            r->start += (size_t)size;
            value = value_of(r, &line);
            if (r->start == r->end) r->start = r->end = 0;
            if (value == Qundef) continue;
        }
        value = deliver(r, value);
        if (value != Qundef) return value;
    }
}

/* call-seq: push? -> bool: whether the server sent the last reply unasked (RESP 3) */
static VALUE reader_push_p(VALUE self)
{
    return reader_get(self)->pushed ? Qtrue : Qfalse;
}

/* call-seq: idle? -> bool: whether nothing is there but whole replies, and those have been taken */
static VALUE reader_idle_p(VALUE self)
{
    struct reader *r = reader_get(self);
    return r->start == r->end && r->depth == 0 && NIL_P(r->bulk) ? Qtrue : Qfalse;
}

/* call-seq: missing -> Integer: bytes of the string being received that have not come yet */
static VALUE reader_missing(VALUE self)
{
    struct reader *r = reader_get(self);
    return SIZET2NUM(NIL_P(r->bulk) ? 0 : r->bulk_size - (size_t)RSTRING_LEN(r->bulk));
}

void Init_polyphony_redis_reader(VALUE redis)
{
    VALUE class = rb_define_class_under(redis, "Reader", rb_cObject);
    incomplete = rb_obj_freeze(rb_obj_alloc(rb_cObject));
    rb_const_set(class, rb_intern("INCOMPLETE"), incomplete);
    rb_gc_register_mark_object(incomplete);
    ok_string = rb_enc_interned_str_cstr("OK", rb_utf8_encoding());
    rb_gc_register_mark_object(ok_string);
    rb_define_alloc_func(class, reader_alloc);
    rb_define_method(class, "initialize", reader_initialize, -1);
    rb_define_method(class, "feed", reader_feed, 1);
    rb_define_method(class, "next", reader_next, 0);
    rb_define_method(class, "push?", reader_push_p, 0);
    rb_define_method(class, "idle?", reader_idle_p, 0);
    rb_define_method(class, "missing", reader_missing, 0);
}
