/* SPDX-License-Identifier: MIT */
/* The descriptor by which another thread ends the wait of a dispatcher. */
#ifndef HALYARD_DISPATCH_WAKE_H
#define HALYARD_DISPATCH_WAKE_H

/* An eventfd where the system has one, else a pipe that does not block. */
struct hy__wake {
    int reader; /* readable after a wake; -1: none */
    int writer; /* the same, but for a pipe */
};

/* 0, or an errno; *ret_wake can be closed in either case. */
int hy__wake_open(struct hy__wake *ret_wake);
void hy__wake_close(const struct hy__wake *wake);
/* Makes it readable. Thread: any. */
void hy__wake_signal(const struct hy__wake *wake);
/* Makes it unreadable again, for those who watch its level and not its edges. */
void hy__wake_clear(const struct hy__wake *wake);

#endif
