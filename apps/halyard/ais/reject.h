/* SPDX-License-Identifier: MIT */
/*
 * Why a VDM or VDO sentence gave no message. Every sentence is counted once: in one of these, in
 * the messages, in the fragments joined to a message, or in those still held (see counters.h).
 */
#ifndef HALYARD_AIS_REJECT_H
#define HALYARD_AIS_REJECT_H

enum ais_reject {
    AIS_REJECT_NONE,            /* not rejected; its counter stays 0 */
    AIS_REJECT_NO_CHECKSUM,     /* ends without "*" and two hexadecimal digits: cut short */
    AIS_REJECT_CHECKSUM,        /* the checksum is another */
    AIS_REJECT_FORMAT,          /* fewer than seven fields, or a count that is no number */
    AIS_REJECT_FRAGMENT_NUMBER, /* fragment number 0, above the count, or a count outside 1-9 */
    AIS_REJECT_ARMOUR,          /* a payload character outside "0"-"W" and "`"-"w" */
    AIS_REJECT_TOO_LONG,        /* more payload than any message has */
    AIS_REJECT_TYPE_INVALID,    /* message type 0 or above 27 */
    AIS_REJECT_TYPE_NOT_BUILT,  /* a valid type that this decoder leaves alone */
    AIS_REJECT_LENGTH,          /* payload too short for its type */
    AIS_REJECT_PART,            /* type 24 with a part number other than A or B */
    AIS_REJECT_OVERWRITTEN,     /* held fragment whose number came again: the ids had wrapped */
    AIS_REJECT_TIMED_OUT,       /* held fragment whose other parts did not come in time */
    AIS_REJECT_ORPHANED,        /* held fragment of a message whose first part never came */
    AIS_REJECT_EVICTED,         /* held fragment that gave way to a newer message: table full */
    AIS_REJECT_COUNT,
};

/* Short name for logs and JSON, such as "checksum" or "type_not_built". Static memory. Thread: any.
 */
const char *ais_reject_name(enum ais_reject reason);

#endif
