/* SPDX-License-Identifier: MIT */
/*
 * A main for the fuzz drivers where there is no libFuzzer: runs the driver over the files given,
 * and over seeded changes of each (a byte changed, cut, repeated, noise), the same ones at every
 * run. So each driver is also a unit test, with any compiler.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_SIZE_MAX    (1u << 16)
#define CHANGES_PER_FILE  2000
#define RANDOM_INPUTS     5000
#define RANDOM_INPUT_SIZE 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t random_state = 0x9E3779B97F4A7C15u;

/* xorshift64*: no quality is needed, only the same sequence everywhere. */
static uint32_t random_next(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545F4914F6CDD1Du) >> 32);
}

/* The driver gets an exact heap copy, so that a sanitizer or valgrind sees a read behind its end.
 */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

/* One to four changes, in place. Returns the new size. */
static size_t change(uint8_t *data, size_t size)
{
    for (uint32_t count = 1 + random_next() % 4; count > 0 && size > 0; count--) {
        size_t at = random_next() % size;
        switch (random_next() % 4) {
        case 0:
            data[at] = (uint8_t)random_next();
            break;
        case 1:
            data[at] ^= (uint8_t)(1u << (random_next() % 8));
            break;
        case 2:
            size = at;
            break;
        default: /* the rest once more, from another place */
            memmove(data + at, data + random_next() % (at + 1), size - at);
            break;
        }
    }
    return size;
}

static int run_file(const char *name, unsigned changes)
{
    static uint8_t input[INPUT_SIZE_MAX];
    static uint8_t changed[INPUT_SIZE_MAX];
    FILE *file = fopen(name, "rb");
    if (file == NULL) {
        perror(name);
        return 1;
    }
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    run(input, size);
    for (unsigned i = 0; i < changes; i++) {
        memcpy(changed, input, size);
        run(changed, change(changed, size));
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t noise[RANDOM_INPUT_SIZE];
    int failed = 0;
    /* With --only, for a single case that broke: the files as they are, nothing else. */
    int only = argc > 1 && strcmp(argv[1], "--only") == 0;
    for (int i = 1 + only; i < argc; i++)
        failed |= run_file(argv[i], only ? 0 : CHANGES_PER_FILE);
    for (unsigned i = 0; i < RANDOM_INPUTS && !only; i++) {
        size_t size = random_next() % (sizeof noise + 1);
        for (size_t k = 0; k < size; k++)
            noise[k] = (uint8_t)random_next();
        run(noise, size);
    }
    return failed;
}
