/* SPDX-License-Identifier: MIT */
#include "udp_protocol.h"

#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t start_cpu_ns, start_ns, count, next;
static size_t size_of_all;

static void report(void)
{
    printf("{\"cpu_ns\": %llu, \"seconds\": %.6f, \"count\": %llu}\n",
           (unsigned long long)(bench_cpu_ns() - start_cpu_ns),
           (double)(bench_now_ns() - start_ns) * 1e-9, (unsigned long long)count);
    fflush(stdout);
}

bool bench_udp_take(const void *data, size_t size)
{
    struct bench_udp_head head = {0};

    if (size >= sizeof head)
        memcpy(&head, data, sizeof head);
    if (count == 0) {
        start_cpu_ns = bench_cpu_ns();
        start_ns = bench_now_ns();
        size_of_all = size;
    }
    if (head.sequence == UINT64_MAX) {
        report();
        return false;
    }
    if (size != size_of_all || head.sequence < next) {
        fprintf(stderr, "a datagram of %zu bytes, number %llu, where %llu was the next\n", size,
                (unsigned long long)head.sequence, (unsigned long long)next);
        _exit(1);
    }
    next = head.sequence + 1;
    count++;
    return true;
}
