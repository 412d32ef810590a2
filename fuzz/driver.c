/*
 * Runs a libFuzzer target without libFuzzer: every file of a folder, then ROUNDS inputs made from
 * them by changes of the kind that breaks parsers. No coverage guides it, but it is reproducible
 * and needs nothing.
 *
 *   driver FOLDER [ROUNDS [SEED]]      an input that fails is left in the file fuzz-failure
 */
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES 1024
#define LONGEST 8192

static struct {
    uint8_t *bytes;
    size_t size;
} files[FILES];
static size_t count, current_size;
static uint8_t current[LONGEST];
static uint64_t state;

static const char *const words[] = {"\r\n",
                                    "\r",
                                    "\n",
                                    "\r\n\r\n",
                                    " ",
                                    "\t",
                                    ":",
                                    ": ",
                                    ";",
                                    "=",
                                    "\"",
                                    ",",
                                    "0\r\n\r\n",
                                    "0",
                                    "1",
                                    "f",
                                    "HTTP/1.1",
                                    "HTTP/1.0",
                                    "Transfer-Encoding: chunked\r\n",
                                    "Content-Length: 5\r\n",
                                    "Host: a\r\n",
                                    "Connection: close\r\n",
                                    "Connection: upgrade\r\n",
                                    "Upgrade: x\r\n",
                                    "Expect: 100-continue\r\n",
                                    "GET / HTTP/1.1\r\n",
                                    "POST / HTTP/1.1\r\n",
                                    "chunked",
                                    "identity",
                                    "?",
                                    "#",
                                    "http://",
                                    "[::1]",
                                    "5\r\nhello\r\n",
                                    "1;a=b\r\n",
                                    "\r\n ",
                                    "\x80",
                                    "\x7f",
                                    "ffffffffffffffff",
                                    "CONNECT",
                                    "OPTIONS",
                                    "*",
                                    "\n\n"};
#define WORDS (sizeof(words) / sizeof(*words))

static uint32_t random_below(size_t limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return limit ? (uint32_t)(state >> 33) % (uint32_t)limit : 0;
}

static void replace(size_t at, size_t removed, const void *with, size_t size)
{
    if (removed > current_size - at) removed = current_size - at;
    if (current_size - removed + size > LONGEST) return;
    memmove(current + at + size, current + at + removed, current_size - at - removed);
    memcpy(current + at, with, size);
    current_size = current_size - removed + size;
}

static void change(void)
{
    size_t at = random_below(current_size + 1), other = random_below(count);
    uint8_t byte = (uint8_t)random_below(256), piece[256];
    const char *word = words[random_below(WORDS)];
    switch (random_below(8)) {
    case 0:
        replace(at, 1, &byte, 1);
        break;
    case 1:
        replace(at, 1 + random_below(8), "", 0);
        break;
    case 2:
    case 3:
        replace(at, 0, word, strlen(word));
        break;
    case 4:
        replace(at, strlen(word), word, strlen(word));
        break;
    case 5: { /* twice what is there */
        size_t size = random_below(sizeof(piece));
        if (size > current_size - at) size = current_size - at;
        memcpy(piece, current + at, size);
        replace(random_below(current_size + 1), 0, piece, size);
        break;
    }
    case 6: { /* a part of another file */
        size_t from = random_below(files[other].size),
               size = random_below(files[other].size - from + 1);
        replace(at, random_below(16), files[other].bytes + from, size);
        break;
    }
    default:
        if (at < current_size) current[at] ^= (uint8_t)(1 << random_below(8));
    }
}

static void load(const char *folder)
{
    DIR *dir = opendir(folder);
    char path[4096];
    if (!dir) exit(2);
    for (struct dirent *entry; count < FILES && (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        if (!file) exit(2);
        files[count].bytes = malloc(LONGEST);
        files[count].size = fread(files[count].bytes, 1, LONGEST, file);
        fclose(file);
        count++;
    }
    closedir(dir);
}

static void on_failure(int number)
{
    FILE *file = fopen("fuzz-failure", "wb");
    if (file) {
        fwrite(current, 1, current_size, file);
        fclose(file);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void run(void)
{
    /* A copy of just that size, for the sanitizer to see a byte too many. */
    uint8_t *copy = malloc(current_size ? current_size : 1);
    memcpy(copy, current, current_size);
    LLVMFuzzerTestOneInput(copy, current_size);
    free(copy);
}

static void take(size_t file)
{
    current_size = files[file].size;
    memcpy(current, files[file].bytes, current_size);
}

int main(int argc, char **argv)
{
    if (argc < 2) return 2;
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    state = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    signal(SIGABRT, on_failure);
    signal(SIGSEGV, on_failure);
    LLVMFuzzerInitialize(&argc, &argv);
    load(argv[1]);
    if (count == 0) return 2;
    for (size_t i = 0; i < count; i++) {
        take(i);
        run();
    }
    for (unsigned long round = 0; round < rounds; round++) {
        take(random_below(count));
        for (uint32_t changes = 1 + random_below(6); changes; changes--) change();
        run();
    }
    printf("%zu files, %lu changed: all well\n", count, rounds);
    return 0;
}
