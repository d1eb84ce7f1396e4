/* SPDX-License-Identifier: MIT */
/* See ../unistd.h. */
#include <arpa/inet.h>
