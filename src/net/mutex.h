/* SPDX-License-Identifier: MIT */
/* A mutex of the system: one type and four calls, as each system names them. Any thread. */
#ifndef HALYARD_NET_MUTEX_H
#define HALYARD_NET_MUTEX_H

#ifdef _WIN32

#include <winsock2.h> /* before windows.h, which would bring the old one */

struct hy__mutex {
    SRWLOCK lock;
};

static inline void hy__mutex_init(struct hy__mutex *mutex)
{
    InitializeSRWLock(&mutex->lock);
}

static inline void hy__mutex_fini(struct hy__mutex *mutex)
{
    (void)mutex;
}

static inline void hy__mutex_lock(struct hy__mutex *mutex)
{
    AcquireSRWLockExclusive(&mutex->lock);
}

static inline void hy__mutex_unlock(struct hy__mutex *mutex)
{
    ReleaseSRWLockExclusive(&mutex->lock);
}

#else

#include <pthread.h>

struct hy__mutex {
    pthread_mutex_t lock;
};

static inline void hy__mutex_init(struct hy__mutex *mutex)
{
    pthread_mutex_init(&mutex->lock, NULL);
}

static inline void hy__mutex_fini(struct hy__mutex *mutex)
{
    pthread_mutex_destroy(&mutex->lock);
}

static inline void hy__mutex_lock(struct hy__mutex *mutex)
{
    pthread_mutex_lock(&mutex->lock);
}

static inline void hy__mutex_unlock(struct hy__mutex *mutex)
{
    pthread_mutex_unlock(&mutex->lock);
}

#endif
#endif
