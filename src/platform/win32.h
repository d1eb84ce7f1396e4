/* SPDX-License-Identifier: MIT */
/* The headers of Windows (meson.build says from which version on), in the order and the size in
 * which they can be included. */
#ifndef HALYARD_PLATFORM_WIN32_H
#define HALYARD_PLATFORM_WIN32_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef UNICODE
#define UNICODE
#endif

#include <winsock2.h>

#include <windows.h>

/* What a failed call left, as platform.h numbers errors. */
static inline int hy__win32_error(DWORD code)
{
    return code >= 10000 ? (int)code : (int)(0x10000u + code);
}

#endif
