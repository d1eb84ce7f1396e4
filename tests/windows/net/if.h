/* SPDX-License-Identifier: MIT */
/* See ../unistd.h. */
#include <iphlpapi.h>
