/* SPDX-License-Identifier: MIT */
/* digest.h by OpenSSL's libcrypto. */
#include "digest.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

/* Looked up once for the process: that takes longer than a handshake's digest itself. */
static EVP_MD *sha1;
static CRYPTO_ONCE sha1_once = CRYPTO_ONCE_STATIC_INIT;

static void fetch_sha1(void)
{
    sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

bool hy__sha1(const void *data, size_t size, unsigned char ret_digest[HY__SHA1_SIZE])
{
    (void)CRYPTO_THREAD_run_once(&sha1_once, fetch_sha1);
    /* Without memory then, it is looked up each time. */
    return EVP_Digest(data, size, ret_digest, NULL, sha1 != NULL ? sha1 : EVP_sha1(), NULL) == 1;
}

bool hy__random_bytes(void *ret_bytes, size_t size)
{
    return size <= INT_MAX && RAND_bytes(ret_bytes, (int)size) == 1;
}

bool hy__base64(const void *data, size_t size, char *ret_text)
{
    return EVP_EncodeBlock((unsigned char *)ret_text, data, (int)size) >= 0;
}
