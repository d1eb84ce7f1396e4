/* SPDX-License-Identifier: MIT */
/* Names of the reasons for which a sentence is rejected. */
#include "reject.h"

static const char *const names[AIS_REJECT_COUNT] = {
    [AIS_REJECT_NONE] = "none",
    [AIS_REJECT_NO_CHECKSUM] = "no_checksum",
    [AIS_REJECT_CHECKSUM] = "checksum",
    [AIS_REJECT_FORMAT] = "format",
    [AIS_REJECT_FRAGMENT_NUMBER] = "fragment_number",
    [AIS_REJECT_ARMOUR] = "armour",
    [AIS_REJECT_TOO_LONG] = "too_long",
    [AIS_REJECT_TYPE_INVALID] = "type_invalid",
    [AIS_REJECT_TYPE_NOT_BUILT] = "type_not_built",
    [AIS_REJECT_LENGTH] = "length",
    [AIS_REJECT_PART] = "part",
    [AIS_REJECT_OVERWRITTEN] = "overwritten",
    [AIS_REJECT_TIMED_OUT] = "timed_out",
    [AIS_REJECT_ORPHANED] = "orphaned",
    [AIS_REJECT_EVICTED] = "evicted",
};

const char *ais_reject_name(enum ais_reject reason)
{
    return (unsigned)reason < AIS_REJECT_COUNT ? names[reason] : "unknown";
}
