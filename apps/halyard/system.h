/* SPDX-License-Identifier: MIT */
/*
 * What the program needs of the system beyond the library: its arguments and streams, and files by
 * name. system_posix.c or system_win32.c. All texts are UTF-8.
 */
#ifndef HALYARD_SYSTEM_H
#define HALYARD_SYSTEM_H

/*
 * To be called first: makes the arguments UTF-8, and standard input and output streams of bytes
 * whose text is shown as UTF-8. Returns 0 or a negative errno code. What it allocates stays.
 */
int system_start(int *argc, char ***argv);

/* Opens a file to read its bytes. Returns a descriptor, or a negative errno code. */
int system_open(const char *path);
/* A descriptor of its own for standard input, or a negative errno code. */
int system_open_standard_input(void);
/* Closes one of these. */
void system_close(int descriptor);

#endif
