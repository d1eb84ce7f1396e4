/* SPDX-License-Identifier: MIT */
/*
 * The stations and whose turn it is: a binary heap of station indexes, the earliest due first (and
 * the lower index, so that the order is always the same). A ship moves only when it reports.
 */
#include "fleet.h"

#include "fleet_station.h"
#include "random.h"

#include <halyard/error.h>
#include <halyard/memory.h>
#include <math.h>
#include <string.h>

#define SECOND_NS 1e9
#define FAR_NS    INT64_MAX

#define STATIC_S       360.0
#define PART_B_S       1.0 /* after part A */
#define AID_S          180.0
#define BASE_S         10.0
#define AIRCRAFT_S     10.0
#define AT_REST_S      180.0
#define CLASS_B_S      30.0
#define FIRST_S        10.0 /* everything is heard of within this time, */
#define FIRST_STATIC_S 20.0 /* and has a name within this one */

struct fleet {
    struct fleet_options options;
    struct sea_lanes lanes;
    struct station *stations;
    uint32_t *heap;
    size_t count;
    uint8_t sequence;
};

static const struct anchorage {
    double lat, lon, radius_nm;
} anchorages[] = {
    {54.06, 7.45, 3.0},  {53.98, 7.55, 2.0}, {52.10, 3.30, 3.0},  {51.42, 2.60, 2.0},
    {50.64, -0.80, 1.5}, {49.65, -0.05, 2},  {53.62, 0.75, 1.5},  {57.75, 10.95, 1.5},
    {54.50, 10.45, 1.0}, {54.28, 12.05, 1},  {55.95, 12.70, 0.5}, {54.12, 11.05, 1.0},
};

#define ANCHORAGE_COUNT (sizeof(anchorages) / sizeof(anchorages[0]))

/* Places are near the real ones, names and numbers are not. */
static const struct place aids[] = {
    {992111001, 54.000, 8.110, "ELBE APPROACH", 31, false},
    {992111002, 53.990, 8.300, "ELBE 1 STARBOARD", 25, false},
    {992111003, 53.978, 8.440, "ELBE 5 STARBOARD", 25, false},
    {992116004, 54.030, 7.600, "GERMAN BIGHT WRECK", 4, true},
    {992111005, 53.860, 8.000, "NEW WESER", 29, false},
    {992111006, 53.840, 7.860, "JADE APPROACH", 29, false},
    {992111007, 54.580, 11.100, "FEHMARN BELT", 29, false},
    {992111008, 54.470, 10.300, "KIEL LIGHT TOWER", 6, false},
    {992191009, 55.340, 11.035, "GREAT BELT EAST", 24, false},
    {992196010, 57.780, 10.720, "SKAW PREFERRED CHANNEL", 26, true},
    {992191011, 55.560, 12.735, "DROGDEN LIGHT", 6, false},
    {992441012, 52.030, 3.700, "MAAS CENTRE", 29, false},
    {992446013, 53.500, 4.700, "OFF VLIELAND JUNCTION OF LANES", 1, true},
    {992351014, 50.960, 1.480, "VARNE LANBY", 31, false},
    {992351015, 50.400, 0.050, "GREENWICH", 31, false},
    {992271016, 49.600, -0.200, "LE HAVRE APPROACH", 29, false},
};

#define AID_COUNT (sizeof(aids) / sizeof(aids[0]))

static const struct place bases[] = {
    {2111001, 53.870, 8.710, NULL, 0, false},  {2111002, 54.180, 7.890, NULL, 0, false},
    {2111003, 54.430, 10.190, NULL, 0, false}, {2191004, 57.740, 10.630, NULL, 0, false},
    {2191005, 55.700, 12.600, NULL, 0, false}, {2441006, 51.980, 4.100, NULL, 0, false},
    {2351007, 51.130, 1.340, NULL, 0, false},  {2651008, 57.690, 11.800, NULL, 0, false},
};

#define BASE_COUNT     (sizeof(bases) / sizeof(bases[0]))
#define AIRCRAFT_COUNT 4

/* --- time ------------------------------------------------------------------------------------- */

static int64_t due_ns(const struct station *station)
{
    return station->position_ns < station->static_ns ? station->position_ns : station->static_ns;
}

static int64_t after(const struct fleet *fleet, int64_t now_ns, double seconds)
{
    return now_ns + (int64_t)(seconds / fleet->options.rate * SECOND_NS);
}

static int64_t unix_s(const struct fleet *fleet, int64_t now_ns)
{
    return fleet->options.start_s + now_ns / INT64_C(1000000000);
}

static double position_interval_s(const struct station *station)
{
    const struct sailor *sailor = &station->sailor;
    bool is_turning = fabs(sailor->turn) > FLEET_TURNING;

    switch (station->kind) {
    case STATION_AIRCRAFT:
        return AIRCRAFT_S;
    case STATION_AID:
        return AID_S;
    case STATION_BASE:
        return BASE_S;
    case STATION_SHIP:
        break;
    }
    if (station->identity.is_class_b) {
        return sailor->speed > 2 ? CLASS_B_S : AT_REST_S;
    }
    if (sailor->state != SAILOR_UNDER_WAY) {
        return AT_REST_S;
    }
    if (sailor->speed > 23) {
        return 2;
    }
    if (sailor->speed > 14) {
        return is_turning ? 2 : 6;
    }
    return is_turning ? 10.0 / 3 : 10;
}

static bool is_before(const struct fleet *fleet, uint32_t a, uint32_t b)
{
    int64_t a_ns = due_ns(&fleet->stations[a]);
    int64_t b_ns = due_ns(&fleet->stations[b]);

    return a_ns < b_ns || (a_ns == b_ns && a < b);
}

static void sift_down(struct fleet *fleet, size_t at)
{
    uint32_t moving = fleet->heap[at];

    for (;;) {
        size_t child = at * 2 + 1;

        if (child >= fleet->count) {
            break;
        }
        if (child + 1 < fleet->count &&
            is_before(fleet, fleet->heap[child + 1], fleet->heap[child])) {
            child++;
        }
        if (!is_before(fleet, fleet->heap[child], moving)) {
            break;
        }
        fleet->heap[at] = fleet->heap[child];
        at = child;
    }
    fleet->heap[at] = moving;
}

/* --- making ----------------------------------------------------------------------------------- */

static void start_ship(struct fleet *fleet, struct station *station, uint32_t number)
{
    struct sailor *sailor = &station->sailor;
    struct identity *identity = &station->identity;

    identity_make(identity, number, &sailor->random);
    sailor->cruise = identity->cruise;
    sailor->turn_max = identity->turn_max;
    sailor->acceleration = identity->acceleration;
    uint32_t drawn = random_index(&sailor->random, 100);
    if (drawn < 8) {
        sailor_start_moored(sailor, &fleet->lanes);
    } else if (drawn < 18 && !identity->is_class_b && identity->status == 0) {
        const struct anchorage *place = &anchorages[random_index(&sailor->random, ANCHORAGE_COUNT)];

        sailor_start_anchored(sailor, place->lat, place->lon, place->radius_nm);
    } else {
        sailor_start(sailor, &fleet->lanes);
    }
}

static void start_aircraft(struct fleet *fleet, struct station *station, uint32_t number)
{
    struct sailor *sailor = &station->sailor;

    station->identity.mmsi = 111211500 + number;
    sailor->cruise = random_between(&sailor->random, 90, 140);
    sailor->turn_max = 180;
    sailor->acceleration = 2;
    sailor_start_flying(sailor, &fleet->lanes);
}

static void start_fixed(struct station *station, const struct place *place)
{
    station->place = place;
    station->identity.mmsi = place->mmsi;
    station->sailor.lat = place->lat;
    station->sailor.lon = place->lon;
}

static void start_station(struct fleet *fleet, size_t index, enum station_kind kind, size_t number)
{
    struct station *station = &fleet->stations[index];
    uint64_t *random = &station->sailor.random;

    station->kind = kind;
    *random = fleet->options.seed * UINT64_C(1000003) + index;
    (void)random_bits(random);
    switch (kind) {
    case STATION_SHIP:
        start_ship(fleet, station, (uint32_t)number);
        break;
    case STATION_AIRCRAFT:
        start_aircraft(fleet, station, (uint32_t)number);
        break;
    case STATION_AID:
        start_fixed(station, &aids[number]);
        break;
    case STATION_BASE:
        start_fixed(station, &bases[number]);
        break;
    }
    double first_s = fmin(FIRST_S, position_interval_s(station));
    station->position_ns = after(fleet, 0, random_between(random, 0, first_s));
    station->static_ns =
        kind == STATION_SHIP ? after(fleet, 0, random_between(random, 0, FIRST_STATIC_S)) : FAR_NS;
    station->channel_b_next = index % 2 != 0;
}

static size_t lesser(size_t a, size_t b)
{
    return a < b ? a : b;
}

int fleet_create(const struct fleet_options *options, struct fleet **ret_fleet)
{
    double rate = options->rate == 0 ? 1 : options->rate;
    size_t ships = options->ships;

    if (ships < 1 || ships > FLEET_SHIPS_MAX) {
        return hy_error_set(-HY_EINVAL, "a fleet of %zu ships; give 1 to %d", ships,
                            FLEET_SHIPS_MAX);
    }
    if (!(rate >= 0.001 && rate <= 100000)) {
        return hy_error_set(-HY_EINVAL, "a rate of %g; give 0.001 to 100000", rate);
    }
    size_t counts[] = {
        [STATION_SHIP] = ships,
        [STATION_AIRCRAFT] = lesser(AIRCRAFT_COUNT, ships / 100),
        [STATION_AID] = lesser(AID_COUNT, ships / 10),
        [STATION_BASE] = lesser(BASE_COUNT, ships / 20),
    };
    size_t count = 0;
    for (size_t kind = 0; kind < sizeof(counts) / sizeof(counts[0]); kind++) {
        count += counts[kind];
    }
    struct fleet *fleet = hy_memory_allocate_zeroed(sizeof(*fleet));
    if (fleet == NULL) {
        return -HY_ENOMEM;
    }
    fleet->stations = hy_memory_allocate_zeroed(count * sizeof(*fleet->stations));
    fleet->heap = hy_memory_allocate(count * sizeof(*fleet->heap));
    if (fleet->stations == NULL || fleet->heap == NULL) {
        fleet_destroy(fleet);
        return -HY_ENOMEM;
    }
    fleet->options = *options;
    fleet->options.rate = rate;
    sea_lanes_init(&fleet->lanes);
    for (size_t kind = 0; kind < sizeof(counts) / sizeof(counts[0]); kind++) {
        for (size_t number = 0; number < counts[kind]; number++) {
            fleet->heap[fleet->count] = (uint32_t)fleet->count;
            start_station(fleet, fleet->count++, (enum station_kind)kind, number);
        }
    }
    for (size_t i = fleet->count / 2; i-- > 0;) {
        sift_down(fleet, i);
    }
    *ret_fleet = fleet;
    return 0;
}

void fleet_destroy(struct fleet *fleet)
{
    if (fleet != NULL) {
        hy_memory_release(fleet->stations);
        hy_memory_release(fleet->heap);
        hy_memory_release(fleet);
    }
}

size_t fleet_station_count(const struct fleet *fleet)
{
    return fleet->count;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void send_position(struct fleet *fleet, struct station *station, int64_t now_ns,
                          struct ais_message *message)
{
    if (station->kind == STATION_SHIP || station->kind == STATION_AIRCRAFT) {
        sailor_advance(&station->sailor, (double)(now_ns - station->moved_ns) / SECOND_NS);
        station->moved_ns = now_ns;
    }
    station_position(station, unix_s(fleet, now_ns), message);
    station->position_ns = after(fleet, now_ns, position_interval_s(station));
}

static void send_static(struct fleet *fleet, struct station *station, int64_t now_ns,
                        struct ais_message *message)
{
    if (!station->identity.is_class_b) {
        station_static_a(station, unix_s(fleet, now_ns), message);
        station->static_ns = after(fleet, now_ns, STATIC_S);
        return;
    }
    station_static_b(station, message);
    station->static_ns =
        after(fleet, now_ns, station->part_b_next ? STATIC_S - PART_B_S : PART_B_S);
    station->part_b_next = !station->part_b_next;
}

int64_t fleet_next_ns(const struct fleet *fleet)
{
    return due_ns(&fleet->stations[fleet->heap[0]]);
}

bool fleet_next(struct fleet *fleet, int64_t now_ns, struct fleet_report *ret_report)
{
    struct station *station = &fleet->stations[fleet->heap[0]];
    int64_t due = due_ns(station);

    if (due > now_ns) {
        return false;
    }
    memset(ret_report, 0, sizeof(*ret_report));
    ret_report->due_ns = due;
    ret_report->message.mmsi = station->identity.mmsi;
    if (station->position_ns <= station->static_ns) {
        send_position(fleet, station, due, &ret_report->message);
    } else {
        send_static(fleet, station, due, &ret_report->message);
    }
    ret_report->encoding = (struct ais_encode_options){
        .talker = {'A', 'I'},
        .channel = station->channel_b_next ? 'B' : 'A',
        .sequence = fleet->sequence,
    };
    station->channel_b_next = !station->channel_b_next;
    fleet->sequence = (uint8_t)((fleet->sequence + 1) % 10);
    sift_down(fleet, 0);
    return true;
}
