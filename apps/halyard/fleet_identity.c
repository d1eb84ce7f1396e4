/* SPDX-License-Identifier: MIT */
/* Tables of kinds, flags and words, and the dice. */
#include "fleet_identity.h"

#include "random.h"

#include <stdio.h>
#include <string.h>

/* Ranges are low and high. */
struct kind {
    unsigned weight;
    uint8_t shiptypes[4];
    uint8_t status;
    bool is_class_b, has_imo;
    double length[2];      /* m */
    double slender;        /* length over beam */
    double draught[2];     /* m */
    double cruise[2];      /* knots */
    double turn_max;       /* degrees a minute */
    double acceleration;   /* knots a second */
    const char *words[12]; /* second words of names, NULL from some on */
};

#define STATUS_ENGINE  0
#define STATUS_FISHING 7
#define STATUS_SAILING 8

static const struct kind kinds[] = {
    {30,
     {70, 70, 71, 79},
     STATUS_ENGINE,
     false,
     true,
     {80, 330},
     6.4,
     {4, 15},
     {11, 19},
     20,
     0.02,
     {"TRADER", "EXPRESS", "CARRIER", "BRIDGE", "STAR", "SPIRIT", "HORIZON", "VOYAGER"}},
    {14,
     {80, 80, 81, 89},
     STATUS_ENGINE,
     false,
     true,
     {90, 280},
     6,
     {5, 15},
     {10, 15},
     15,
     0.015,
     {"FALCON", "CHEMIST", "GLORY", "PIONEER", "OCEAN", "PEARL"}},
    {5,
     {60, 60, 69, 69},
     STATUS_ENGINE,
     false,
     true,
     {100, 290},
     7,
     {5, 8},
     {16, 22},
     25,
     0.03,
     {"PRINCESS", "SEAWAYS", "LINK", "HARMONY", "CROWN"}},
    {2,
     {40, 40, 49, 49},
     STATUS_ENGINE,
     false,
     true,
     {35, 95},
     4,
     {2, 4},
     {28, 36},
     40,
     0.1,
     {"ARROW", "JET", "FLYER", "CAT"}},
    {5,
     {52, 52, 31, 50},
     STATUS_ENGINE,
     false,
     false,
     {20, 40},
     3,
     {3, 6},
     {8, 12},
     60,
     0.05,
     {"HERCULES", "BRAVE", "PILOT", "HELPER", "WOLF"}},
    {4,
     {33, 34, 55, 53},
     STATUS_ENGINE,
     false,
     true,
     {40, 110},
     5,
     {3, 7},
     {7, 11},
     30,
     0.03,
     {"DREDGER", "SURVEYOR", "GUARD", "WORKER"}},
    {10,
     {30, 30, 30, 30},
     STATUS_FISHING,
     false,
     false,
     {18, 60},
     4,
     {3, 6},
     {3, 9},
     60,
     0.05,
     {"FISKER", "NETTE", "HERRING", "KRABBE", "SKAGEN", "NORDLYS"}},
    {12,
     {36, 36, 36, 36},
     STATUS_SAILING,
     true,
     false,
     {8, 20},
     3.2,
     {0, 0},
     {3, 8},
     120,
     0.1,
     {"SWAN", "TERN", "BREEZE", "DREAM", "WIND", "MOEWE", "LOTTE"}},
    {10,
     {37, 37, 37, 37},
     STATUS_ENGINE,
     true,
     false,
     {7, 24},
     3.2,
     {0, 0},
     {6, 24},
     150,
     0.3,
     {"RUNNER", "LADY", "DOLPHIN", "FREEDOM", "SPRAY"}},
    {4,
     {30, 51, 90, 30},
     STATUS_ENGINE,
     true,
     false,
     {7, 15},
     3,
     {0, 0},
     {4, 12},
     150,
     0.3,
     {"MARIE", "ANNA", "BOY", "KUTTER"}},
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static const char *const first_words[] = {
    "NORDIC",  "BALTIC", "ELBE",   "ATLANTIC", "SILVER", "GOLDEN", "BLUE",   "WHITE",
    "VIKING",  "HANSE",  "NORTH",  "EASTERN",  "RED",    "ARCTIC", "CORAL",  "FRISIAN",
    "JUTLAND", "ROYAL",  "MAAS",   "CHANNEL",  "STELLA", "AURORA", "POLAR",  "KATTEGAT",
    "ISLAND",  "WESER",  "SCANIA", "GRAND",    "LITTLE", "SWIFT",  "LONELY", "MERRY",
};

#define FIRST_WORD_COUNT (sizeof(first_words) / sizeof(first_words[0]))

/* Maritime identification digits and how call signs of the flag begin. */
static const struct flag {
    uint16_t mid;
    const char *callsign;
    bool is_local; /* small craft fly it too */
} flags[] = {
    {211, "DH", true},  {218, "DK", true},  {219, "OW", true},  {220, "OZ", true},
    {244, "PB", true},  {245, "PD", true},  {232, "MA", true},  {235, "2B", true},
    {257, "LA", true},  {258, "LJ", true},  {265, "SB", true},  {266, "SF", true},
    {261, "SP", true},  {205, "OR", true},  {227, "FG", true},  {230, "OJ", true},
    {304, "V2", false}, {305, "V2", false}, {209, "5B", false}, {212, "C4", false},
    {248, "9H", false}, {249, "9H", false}, {636, "D5", false}, {538, "V7", false},
    {351, "3F", false}, {355, "H3", false}, {477, "VR", false}, {563, "9V", false},
    {308, "C6", false}, {311, "C6", false}, {636, "A8", false}, {255, "CQ", false},
};

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

static const struct kind *choose_kind(uint64_t *random)
{
    unsigned total = 0;
    size_t i = 0;

    for (size_t k = 0; k < KIND_COUNT; k++) {
        total += kinds[k].weight;
    }
    uint32_t drawn = random_index(random, total);
    while (drawn >= kinds[i].weight) {
        drawn -= kinds[i].weight;
        i++;
    }
    return &kinds[i];
}

static const struct flag *choose_flag(bool is_local, uint64_t *random)
{
    const struct flag *flag;

    do {
        flag = &flags[random_index(random, FLAG_COUNT)];
    } while (is_local && !flag->is_local);
    return flag;
}

/* Seven digits, the last of which is that of IMO resolution A.1117(30). */
static uint32_t make_imo(uint32_t number)
{
    uint32_t base = 910000 + number * 7 % 90000;
    uint32_t sum = 0;
    uint32_t rest = base;

    for (uint32_t weight = 2; weight <= 7; weight++) {
        sum += rest % 10 * weight;
        rest /= 10;
    }
    return base * 10 + sum % 10;
}

static void make_name(struct identity *identity, const struct kind *kind, uint64_t *random)
{
    uint32_t count = 0;

    while (count < 12 && kind->words[count] != NULL) {
        count++;
    }
    /* The longest of both fill the field but for one character. */
    (void)snprintf(identity->name, sizeof(identity->name), "%.9s %.10s",
                   first_words[random_index(random, FIRST_WORD_COUNT)],
                   kind->words[random_index(random, count)]);
}

static void make_callsign(struct identity *identity, const struct flag *flag, uint64_t *random)
{
    (void)snprintf(identity->callsign, sizeof(identity->callsign), "%.2s%c%c%u", flag->callsign,
                   'A' + (char)random_index(random, 26), 'A' + (char)random_index(random, 26),
                   (unsigned)random_index(random, 10));
}

/* The antenna is aft and near the middle line. */
static void make_size(struct identity *identity, const struct kind *kind, uint64_t *random)
{
    double length = random_between(random, kind->length[0], kind->length[1]);
    double beam = length / kind->slender;
    double share = (length - kind->length[0]) / (kind->length[1] - kind->length[0]);

    identity->to_stern = (uint16_t)(length * random_between(random, 0.12, 0.4) + 1);
    identity->to_bow = (uint16_t)(length - identity->to_stern);
    identity->to_port = (uint8_t)(beam * random_between(random, 0.4, 0.6) + 0.5);
    identity->to_starboard = (uint8_t)(beam - identity->to_port + 1);
    identity->draught =
        (uint8_t)((kind->draught[0] + (kind->draught[1] - kind->draught[0]) * share) * 10);
}

void identity_make(struct identity *identity, uint32_t number, uint64_t *random)
{
    const struct kind *kind = choose_kind(random);
    const struct flag *flag = choose_flag(kind->is_class_b, random);

    memset(identity, 0, sizeof(*identity));
    /* 7919 and a million have no common factor: the six digits are different for each number. */
    identity->mmsi =
        flag->mid * UINT32_C(1000000) + (uint32_t)((number + UINT64_C(101)) * 7919 % 1000000);
    identity->imo = kind->has_imo ? make_imo(number) : 0;
    identity->shiptype = kind->shiptypes[random_index(random, 4)];
    identity->status = kind->status;
    identity->is_class_b = kind->is_class_b;
    identity->cruise = random_between(random, kind->cruise[0], kind->cruise[1]);
    identity->turn_max = kind->turn_max;
    identity->acceleration = kind->acceleration;
    make_name(identity, kind, random);
    make_callsign(identity, flag, random);
    make_size(identity, kind, random);
}
