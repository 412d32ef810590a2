#ifndef POLYPHONY_RESP_H
#define POLYPHONY_RESP_H

#include <stddef.h>

/*
 * The lines of RESP 2 and 3, which everything but the bytes of a bulk string is made of. Pure C: it
 * knows no Ruby object, keeps nothing, and looks at no byte that it was not given.
 */

enum resp_type {
    RESP_STATUS = '+',
    RESP_ERROR = '-',
    RESP_INTEGER = ':',
    RESP_BULK = '$',
    RESP_ARRAY = '*',
    RESP_NULL = '_',
    RESP_BOOLEAN = '#',
    RESP_DOUBLE = ',',
    RESP_BIG_NUMBER = '(',
    RESP_BULK_ERROR = '!',
    RESP_VERBATIM = '=',
    RESP_MAP = '%',
    RESP_SET = '~',
    RESP_ATTRIBUTE = '|',
    RESP_PUSH = '>'
};

struct resp_line {
    enum resp_type type;
    const char *text; /* what follows the type, without its end */
    size_t size;
    long long number; /* of an integer; or how many bytes or elements follow: -1 for none at all */
};

/* Longer lines are refused: only errors and statuses could be any. */
#define RESP_MAX_LINE 65536

#define RESP_MORE 0     /* the line is not complete */
#define RESP_WRONG (-1) /* this is not RESP: *problem says why */

/* The line at `bytes`; how many bytes it takes, its end included, or one of the above. */
long resp_read_line(const char *bytes, size_t size, struct resp_line *line, const char **problem);

#endif
