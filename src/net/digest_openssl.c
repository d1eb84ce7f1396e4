/* SPDX-License-Identifier: MIT */
/* digest.h by OpenSSL's libcrypto. */
#include "digest.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

bool hy__sha1(const void *data, size_t size, unsigned char ret_digest[HY__SHA1_SIZE])
{
    return EVP_Digest(data, size, ret_digest, NULL, EVP_sha1(), NULL) == 1;
}

bool hy__random_bytes(void *ret_bytes, size_t size)
{
    return size <= INT_MAX && RAND_bytes(ret_bytes, (int)size) == 1;
}

bool hy__base64(const void *data, size_t size, char *ret_text)
{
    return EVP_EncodeBlock((unsigned char *)ret_text, data, (int)size) >= 0;
}
