#include "resp.h"
#include <limits.h>
#include <string.h>

/* Decimal digits, maybe behind a sign, and nothing else. */
static int parse_number(const char *text, size_t size, long long *number)
{
    unsigned long long value = 0;
    size_t i = 0;
    int negative = size > 0 && text[0] == '-';
    if (size > 0 && (text[0] == '-' || text[0] == '+')) i = 1;
    if (i == size) return 0;
    for (; i < size; i++) {
        unsigned digit = (unsigned)(text[i] - '0');
        if (digit > 9 || value > (ULLONG_MAX - digit) / 10) return 0;
        value = value * 10 + digit;
    }
    if (value > (unsigned long long)LLONG_MAX + (unsigned)negative) return 0;
    *number = negative ? (long long)(0 - value) : (long long)value;
    return 1;
}

static const char *check_count(const struct resp_line *line, int may_be_none)
{
    return line->number < (may_be_none ? -1 : 0) ? "a negative length" : NULL;
}

/* What the line must look like for its type; NULL, or what is wrong. */
static const char *read_rest(struct resp_line *line)
{
    switch (line->type) {
    case RESP_STATUS:
    case RESP_ERROR:
    case RESP_DOUBLE:
    case RESP_BIG_NUMBER:
        return NULL;
    case RESP_NULL:
        return line->size == 0 ? NULL : "a null with a value";
    case RESP_BOOLEAN:
        return line->size == 1 && (line->text[0] == 't' || line->text[0] == 'f')
                   ? NULL
                   : "a boolean that is neither t nor f";
    case RESP_INTEGER:
        return parse_number(line->text, line->size, &line->number) ? NULL : "a number that is none";
    case RESP_BULK:
    case RESP_ARRAY:
        if (!parse_number(line->text, line->size, &line->number)) return "a length that is none";
        return check_count(line, 1);
    case RESP_BULK_ERROR:
    case RESP_VERBATIM:
    case RESP_MAP:
    case RESP_SET:
    case RESP_ATTRIBUTE:
    case RESP_PUSH:
        if (!parse_number(line->text, line->size, &line->number)) return "a length that is none";
        return check_count(line, 0);
    }
    return "a type that is unknown";
}

long resp_read_line(const char *bytes, size_t size, struct resp_line *line, const char **problem)
{
    if (size == 0) return RESP_MORE;
    size_t look = size < RESP_MAX_LINE ? size : RESP_MAX_LINE;
    const char *end = memchr(bytes, '\r', look);
    if (!end && size < RESP_MAX_LINE) {
        /* A first byte that is no type would otherwise have us wait for a line that never ends. */
        line->type = (enum resp_type)(unsigned char)bytes[0];
        if (strchr("+-:$*_#,(!=%~|>", bytes[0]) && bytes[0]) return RESP_MORE;
        *problem = "a type that is unknown";
        return RESP_WRONG;
    }
    if (!end) {
        *problem = "a line that is too long";
        return RESP_WRONG;
    }
    if ((size_t)(end - bytes) + 1 == size) return RESP_MORE;
    if (end[1] != '\n' || end == bytes) {
        *problem =
            end == bytes ? "a type that is unknown" : "a carriage return without a line feed";
        return RESP_WRONG;
    }
    line->type = (enum resp_type)(unsigned char)bytes[0];
    line->text = bytes + 1;
    line->size = (size_t)(end - bytes) - 1;
    line->number = 0;
    const char *wrong = read_rest(line);
    if (!wrong) return (long)(end - bytes) + 2;
    *problem = wrong;
    return RESP_WRONG;
}
