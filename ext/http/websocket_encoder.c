#include "websocket.h"

unsigned ws_put_head(uint8_t *to, int opcode, int rsv1, uint64_t size)
{
    unsigned bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    to[0] = (uint8_t)(0x80 | (rsv1 ? 0x40 : 0) | opcode);
    to[1] = (uint8_t)(bytes == 0 ? size : bytes == 2 ? 126 : 127);
    for (unsigned i = 0; i < bytes; i++) to[2 + i] = (uint8_t)(size >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}
