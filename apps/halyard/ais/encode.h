/* SPDX-License-Identifier: MIT */
/* One message to its sentences: the inverse of decode.h. Pure functions without state. */
#ifndef HALYARD_AIS_ENCODE_H
#define HALYARD_AIS_ENCODE_H

#include "ais.h"
#include "bits.h"

enum {
    /* Payload characters of a sentence, so that it keeps within the 82 of IEC 61162-1. */
    AIS_SENTENCE_PAYLOAD = 60,
    /* Room for the sentences of any built message, the terminating NUL included. */
    AIS_ENCODED_MAX = 256,
};

struct ais_encode_options {
    char talker[2];   /* two characters, such as "AI"; zeros mean "AI" */
    char channel;     /* 'A' or 'B'; 0 leaves the field empty */
    bool own_ship;    /* VDO instead of VDM */
    uint8_t sequence; /* 0-9: marks the fragments of one message; unused for one fragment */
};

/*
 * Writes the payload of `message`, `message->bits` long, or of the type's full length if that is 0.
 * Returns 0, or -EINVAL for a type or part that is not built, or a length too short for it. Thread:
 * any.
 */
int ais_encode_payload(const struct ais_message *message, struct ais_bits *ret_bits);

/*
 * Writes the sentences of `message` into `text`, each ended by CR LF, terminated by NUL.
 * Returns their length, -EINVAL as above, or -ENOSPC if `size` is too small. Thread: any.
 */
int ais_encode(const struct ais_message *message, const struct ais_encode_options *options,
               char *text, size_t size);

#endif
