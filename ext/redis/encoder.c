#include "redis_ext.h"
#include <stdio.h>
#include <string.h>

/*
 * Commands as bytes. Nothing is appended before the whole command is known to be good: the buffer
 * may hold those of other fibers.
 */

static void append_header(VALUE buffer, char type, long number)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%c%ld\r\n", type, number);
    rb_str_cat(buffer, text, size);
}

static void append_bytes(VALUE buffer, const char *bytes, long size)
{
    append_header(buffer, '$', size);
    rb_str_cat(buffer, bytes, size);
    rb_str_cat(buffer, "\r\n", 2);
}

static void append_fixnum(VALUE buffer, VALUE number)
{
    char text[32];
    int size = snprintf(text, sizeof(text), "%ld", FIX2LONG(number));
    append_bytes(buffer, text, size);
}

static void append_argument(VALUE buffer, VALUE argument)
{
    if (FIXNUM_P(argument)) {
        append_fixnum(buffer, argument);
        return;
    }
    VALUE string = SYMBOL_P(argument) ? rb_sym2str(argument) : argument;
    append_bytes(buffer, RSTRING_PTR(string), RSTRING_LEN(string));
    RB_GC_GUARD(string);
}

static int is_plain(VALUE argument)
{
    return RB_TYPE_P(argument, T_STRING) || FIXNUM_P(argument) || SYMBOL_P(argument);
}

/* What is_plain() accepts, of anything that a command may have in it. */
static VALUE plain_argument(VALUE argument)
{
    if (is_plain(argument)) return argument;
    if (RB_FLOAT_TYPE_P(argument) || RB_TYPE_P(argument, T_BIGNUM))
        return rb_obj_as_string(argument);
    rb_raise(rb_eTypeError,
             "a command takes Strings, Symbols, Integers and Floats, not %" PRIsVALUE
             " (%+" PRIsVALUE ")",
             rb_obj_class(argument), argument);
}

static int flatten_pair(VALUE key, VALUE value, VALUE flat)
{
    rb_ary_push(flat, plain_argument(key));
    rb_ary_push(flat, plain_argument(value));
    return ST_CONTINUE;
}

/* An option: true gives its name only, nil and false nothing. */
static int flatten_option(VALUE name, VALUE value, VALUE flat)
{
    if (!RTEST(value)) return ST_CONTINUE;
    rb_ary_push(flat, plain_argument(name));
    if (value != Qtrue) rb_ary_push(flat, plain_argument(value));
    return ST_CONTINUE;
}

static VALUE flatten(VALUE command, VALUE options)
{
    VALUE flat = rb_ary_new_capa(RARRAY_LEN(command) + 4);
    for (long i = 0; i < RARRAY_LEN(command); i++) {
        VALUE argument = RARRAY_AREF(command, i);
        if (RB_TYPE_P(argument, T_HASH)) {
            rb_hash_foreach(argument, flatten_pair, flat);
        } else if (RB_TYPE_P(argument, T_ARRAY)) {
            for (long j = 0; j < RARRAY_LEN(argument); j++)
                rb_ary_push(flat, plain_argument(RARRAY_AREF(argument, j)));
        } else {
            rb_ary_push(flat, plain_argument(argument));
        }
    }
    if (!NIL_P(options)) rb_hash_foreach(options, flatten_option, flat);
    return flat;
}

static int all_plain(VALUE command)
{
    for (long i = 0; i < RARRAY_LEN(command); i++)
        if (!is_plain(RARRAY_AREF(command, i))) return 0;
    return 1;
}

/*
 *  call-seq: encode(buffer, command, options = nil) -> buffer
 *
 *  Appends a command to +buffer+, or nothing if it raises. Arrays and Hashes in the command are
 * taken for their elements; of the options, true means the name alone, nil and false leave one out.
 *
 *  Raises ArgumentError for an empty command, TypeError for what is not a String, Symbol, Integer
 * or Float.
 */
static VALUE encode(int argc, VALUE *argv, VALUE self)
{
    rb_check_arity(argc, 2, 3);
    VALUE buffer = argv[0], command = argv[1], options = argc > 2 ? argv[2] : Qnil;
    StringValue(buffer);
    Check_Type(command, T_ARRAY);
    if (!NIL_P(options)) Check_Type(options, T_HASH);
    if (!NIL_P(options) || !all_plain(command)) command = flatten(command, options);
    long size = RARRAY_LEN(command);
    if (size == 0) rb_raise(rb_eArgError, "a command must not be empty");
    rb_str_modify(buffer);
    append_header(buffer, '*', size);
    for (long i = 0; i < size; i++) append_argument(buffer, RARRAY_AREF(command, i));
    RB_GC_GUARD(command);
    return buffer;
}

/* A buffer that has grown beyond this is not kept for the next command. */
#define KEPT_BUFFER 65536

/*
 *  call-seq: encode_alone(buffer, command) -> String
 *
 *  The command in +buffer+, in place of what it holds; in a new String if it has grown too large to
 * be kept.
 */
static VALUE encode_alone(VALUE self, VALUE buffer, VALUE command)
{
    StringValue(buffer);
    if (rb_str_capacity(buffer) > KEPT_BUFFER) {
        buffer = rb_str_buf_new(512);
    } else {
        rb_str_modify(buffer);
        rb_str_set_len(buffer, 0); /* which keeps its memory */
    }
    VALUE arguments[] = {buffer, command};
    return encode(2, arguments, self);
}

void Init_polyphony_redis_encoder(VALUE redis)
{
    rb_define_singleton_method(redis, "encode", encode, -1);
    rb_define_singleton_method(redis, "encode_alone", encode_alone, 2);
}
