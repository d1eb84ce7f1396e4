/* SPDX-License-Identifier: MIT */
/* digest.h by Windows' own bcrypt and crypt32. */
#include "digest.h"

#include <windows.h>

#include <bcrypt.h>
#include <wincrypt.h>

static bool hash(BCRYPT_ALG_HANDLE provider, const void *data, size_t size,
                 unsigned char ret_digest[HY__SHA1_SIZE])
{
    BCRYPT_HASH_HANDLE handle;
    if (!BCRYPT_SUCCESS(BCryptCreateHash(provider, &handle, NULL, 0, NULL, 0, 0)))
        return false;
    bool good = BCRYPT_SUCCESS(BCryptHashData(handle, (PUCHAR)(ULONG_PTR)data, (ULONG)size, 0)) &&
                BCRYPT_SUCCESS(BCryptFinishHash(handle, ret_digest, HY__SHA1_SIZE, 0));
    BCryptDestroyHash(handle);
    return good;
}

bool hy__sha1(const void *data, size_t size, unsigned char ret_digest[HY__SHA1_SIZE])
{
    BCRYPT_ALG_HANDLE provider;
    if (!BCRYPT_SUCCESS(BCryptOpenAlgorithmProvider(&provider, BCRYPT_SHA1_ALGORITHM, NULL, 0)))
        return false;
    bool good = hash(provider, data, size, ret_digest);
    BCryptCloseAlgorithmProvider(provider, 0);
    return good;
}

bool hy__random_bytes(void *ret_bytes, size_t size)
{
    return BCRYPT_SUCCESS(
        BCryptGenRandom(NULL, ret_bytes, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG));
}

bool hy__base64(const void *data, size_t size, char *ret_text)
{
    DWORD room = (DWORD)HY__BASE64_SIZE(size);
    return CryptBinaryToStringA(data, (DWORD)size, CRYPT_STRING_BASE64 | CRYPT_STRING_NOCRLF,
                                ret_text, &room);
}
