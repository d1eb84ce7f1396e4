/* SPDX-License-Identifier: MIT */
/*
 * Finds sentences and tag blocks in bytes from anywhere. It looks for the characters that start
 * them, not for lines, so that several sentences without line ends, text before and after them, and
 * rubbish between them do no harm. Pure functions; everything they return points into the input.
 */
#ifndef HALYARD_AIS_SENTENCE_H
#define HALYARD_AIS_SENTENCE_H

#include "reject.h"
#include "slice.h"

enum ais_item {
    AIS_ITEM_END,       /* no more in the input */
    AIS_ITEM_AIS,       /* a VDM or VDO sentence, good or bad */
    AIS_ITEM_OTHER,     /* another sentence: only `text` is set */
    AIS_ITEM_TAG_BLOCK, /* `text` is its inside, without the checksum */
};

struct ais_sentence {
    struct ais_slice text;    /* from "!" up to the checksum or where the sentence breaks off */
    struct ais_slice prefix;  /* what stood before it on the line */
    struct ais_slice suffix;  /* what follows it on the line, if it starts with a comma */
    struct ais_slice payload; /* armoured */
    enum ais_reject reject;   /* why the sentence is bad; the members below are then unset */
    bool checksum_ok;         /* of a tag block */
    bool own_ship;            /* VDO */
    uint8_t fragment_count;   /* 1-9 */
    uint8_t fragment_number;  /* 1-fragment_count */
    int16_t sequence_id;      /* -1: none */
    char channel;             /* first character of the field; 0: empty */
    uint8_t fill;             /* 0-5; senders' other values are read as 0 */
};

/*
 * Finds the next item at or after `*cursor` and moves it behind that. Never reads at or past `end`.
 * Thread: any.
 */
enum ais_item ais_scan(const char **cursor, const char *end, struct ais_sentence *ret_sentence);

#endif
