/* SPDX-License-Identifier: MIT */
/* The folder of open descriptors: an entry for each handle of the process. See unistd.h. */
#ifndef TESTS_WINDOWS_DIRENT_H
#define TESTS_WINDOWS_DIRENT_H

struct dirent {
    unsigned number;
};

typedef struct posix_folder DIR;

DIR *opendir(const char *path);
struct dirent *readdir(DIR *folder);
int closedir(DIR *folder);

#endif
