/* SPDX-License-Identifier: MIT */
/* The account of the sentences; see counters.h. */
#include "counters.h"

uint64_t ais_counters_rejected(const struct ais_counters *counters)
{
    uint64_t sum = 0;

    for (int reason = 0; reason < AIS_REJECT_COUNT; reason++) {
        sum += counters->rejected[reason];
    }
    return sum;
}

bool ais_counters_add_up(const struct ais_counters *counters)
{
    uint64_t decoded = 0;
    uint64_t not_built = 0;
    uint64_t unusable = counters->rejected[AIS_REJECT_TYPE_INVALID] +
                        counters->rejected[AIS_REJECT_TYPE_NOT_BUILT] +
                        counters->rejected[AIS_REJECT_LENGTH] + counters->rejected[AIS_REJECT_PART];

    for (int type = 0; type <= AIS_TYPE_MAX; type++) {
        decoded += counters->decoded_by_type[type];
        not_built += counters->not_built_by_type[type];
    }
    return counters->sentences == counters->messages + counters->fragments_joined + counters->held +
                                      ais_counters_rejected(counters) &&
           counters->assembled == counters->messages + unusable &&
           counters->assembled >= counters->assembled_multi && counters->messages == decoded &&
           counters->rejected[AIS_REJECT_TYPE_NOT_BUILT] == not_built &&
           counters->rejected[AIS_REJECT_NONE] == 0;
}
