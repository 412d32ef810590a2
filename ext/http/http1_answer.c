#include "http1_writer.h"

/*
 * RequestHead, for a server: the usual answer in one call, and what the connection has to know of it.
 * Parser#serve_for says which writer it goes to.
 */

static VALUE answer(VALUE self, VALUE status, VALUE fields, VALUE body, int pieces)
{
    struct request_head *head = request_head_get(self);
    if (NIL_P(head->writer) || head->status >= 0 || request_head_has_body(head)) return Qnil;
    if (!writer_answer(head->writer, self, status, fields, body, pieces)) return Qnil;
    head->status = FIX2INT(status);
    return Qtrue;
}

/*
 *  call-seq: answer_at_once(status, fields, body) -> true or nil
 *
 *  Answers with Writer#respond, if that is all there is to be done: the request has no body, there is
 *  no answer yet, and this one has nothing wrong or unusual. Otherwise does nothing and returns nil.
 */
static VALUE head_m_answer_at_once(VALUE self, VALUE status, VALUE fields, VALUE body)
{
    return answer(self, status, fields, body, 0);
}

/*
 *  call-seq: answer_pieces(status, fields, pieces) -> true or nil
 *
 *  As #answer_at_once, for what a Rack app returns: only if +pieces+ is an Array and nothing more, and
 *  no field is meant for the server.
 */
static VALUE head_m_answer_pieces(VALUE self, VALUE status, VALUE fields, VALUE pieces)
{
    return answer(self, status, fields, pieces, 1);
}

/* call-seq: plain? -> true or false: there is neither a body nor the wish for another protocol */
static VALUE head_m_plain_p(VALUE self)
{
    struct request_head *head = request_head_get(self);
    return request_head_has_body(head) || (head->index.flags & HTTP1_UPGRADE) ? Qfalse : Qtrue;
}

/* call-seq: status -> Integer or nil: of the response that was begun */
static VALUE head_m_status(VALUE self)
{
    struct request_head *head = request_head_get(self);
    return head->status < 0 ? Qnil : INT2FIX(head->status);
}

/* call-seq: status = status: a response was begun, or, with 0, will be no more */
static VALUE head_m_set_status(VALUE self, VALUE status)
{
    request_head_get(self)->status = NUM2INT(status);
    return status;
}

/* call-seq: over -> self: it can be answered at once no more */
static VALUE head_m_over(VALUE self)
{
    request_head_get(self)->writer = Qnil;
    return self;
}

void Init_polyphony_http1_answer(VALUE head)
{
    rb_define_method(head, "answer_at_once", head_m_answer_at_once, 3);
    rb_define_method(head, "answer_pieces", head_m_answer_pieces, 3);
    rb_define_method(head, "plain?", head_m_plain_p, 0);
    rb_define_method(head, "status", head_m_status, 0);
    rb_define_method(head, "status=", head_m_set_status, 1);
    rb_define_method(head, "over", head_m_over, 0);
}
