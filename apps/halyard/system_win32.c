/* SPDX-License-Identifier: MIT */
/* system.h on Windows: UTF-16 at the borders, UTF-8 inside. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>

#include <shellapi.h>

static UINT console_code_page;

static void restore_console(void)
{
    (void)fflush(stdout);
    SetConsoleOutputCP(console_code_page);
}

/* The console gets whole texts: in pieces, a character of several bytes would be cut. */
static void prepare_console(void)
{
    DWORD mode;

    if (!GetConsoleMode(GetStdHandle(STD_OUTPUT_HANDLE), &mode)) {
        return;
    }
    (void)setvbuf(stdout, NULL, _IOFBF, BUFSIZ);
    console_code_page = GetConsoleOutputCP();
    if (SetConsoleOutputCP(CP_UTF8)) {
        (void)atexit(restore_console);
    }
}

/* The UTF-8 of a wide text, from malloc(); NULL without memory. */
static char *narrow(const wchar_t *wide)
{
    int size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    char *text = size > 0 ? malloc((size_t)size) : NULL;

    if (text != NULL) {
        WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, size, NULL, NULL);
    }
    return text;
}

static int read_arguments(int *argc, char ***argv)
{
    int count = 0;
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), &count);
    char **texts = wide != NULL ? calloc((size_t)count + 1, sizeof(*texts)) : NULL;
    int converted = 0;

    while (texts != NULL && converted < count &&
           (texts[converted] = narrow(wide[converted])) != NULL) {
        converted++;
    }
    LocalFree(wide);
    if (texts == NULL || converted < count) {
        while (converted > 0) {
            free(texts[--converted]);
        }
        free(texts);
        return -ENOMEM;
    }
    *argc = count;
    *argv = texts;
    return 0;
}

int system_start(int *argc, char ***argv)
{
    (void)_setmode(_fileno(stdin), _O_BINARY);
    (void)_setmode(_fileno(stdout), _O_BINARY);
    prepare_console();
    return read_arguments(argc, argv);
}

int system_open(const char *path)
{
    int size = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
    wchar_t *wide = size > 0 ? malloc((size_t)size * sizeof(*wide)) : NULL;

    if (wide == NULL) {
        return size > 0 ? -ENOMEM : -EINVAL;
    }
    MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, size);
    int descriptor = _wopen(wide, _O_RDONLY | _O_BINARY | _O_NOINHERIT);
    int error = errno;
    free(wide);
    return descriptor < 0 ? -error : descriptor;
}

int system_open_standard_input(void)
{
    int descriptor = _dup(_fileno(stdin));

    return descriptor < 0 ? -errno : descriptor;
}

void system_close(int descriptor)
{
    (void)_close(descriptor);
}
