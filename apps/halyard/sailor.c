/* SPDX-License-Identifier: MIT */
/* Small steps of time; in each the ship looks where it has to go, turns a little and moves on. */
#include "sailor.h"

#include "random.h"

#include <math.h>
#include <stdbool.h>

#define RADIANS_TO_DEGREES 57.29577951308232

#define STEP_S        2.0
#define NARROW_NM     0.3  /* water this wide to each side asks for care */
#define NARROW_SPEED  11.0 /* knots there, */
#define NARROW_TURN   60.0 /* and degrees a minute */
#define HARBOUR_NM    3.0  /* the last miles are sailed slower and slower, */
#define HARBOUR_SPEED 3.0  /* down to this, knots */
#define BERTH_NM      0.1  /* arrived */
#define BERTH_SPREAD  0.08 /* nm: ships do not lie on top of each other */
#define SWING         0.5  /* degrees a minute, at anchor */
#define FLIGHT_NM     1.0  /* an aircraft need not hit its point */
#define STEERING      4.0  /* degrees a minute for each degree off course */

static double wrapped(double angle)
{
    angle = fmod(angle + 180, 360);
    return angle < 0 ? angle + 180 : angle - 180;
}

static double turned(double course, double angle)
{
    course = fmod(course + angle, 360);
    return course < 0 ? course + 360 : course;
}

static bool is_narrow(const struct sailor *sailor)
{
    return sea_point(sailor->to)->width_nm < NARROW_NM ||
           sea_point(sailor->from)->width_nm < NARROW_NM;
}

static double leg_bearing(unsigned from, unsigned to)
{
    const struct sea_point *a = sea_point(from);
    const struct sea_point *b = sea_point(to);

    return sea_bearing(a->lat, a->lon, b->lat, b->lon);
}

/* Where the ship passes the point at the end of a leg. */
static void passing_place(const struct sailor *sailor, unsigned from, unsigned to, double *ret_lat,
                          double *ret_lon)
{
    const struct sea_point *point = sea_point(to);

    *ret_lat = point->lat;
    *ret_lon = point->lon;
    sea_move(ret_lat, ret_lon, leg_bearing(from, to) + 90, sailor->side * point->width_nm);
}

/* Steers for the end of the leg from `from` to `to`. */
static void begin_leg(struct sailor *sailor, unsigned from, unsigned to)
{
    sailor->from = (uint8_t)from;
    sailor->to = (uint8_t)to;
    passing_place(sailor, from, to, &sailor->target_lat, &sailor->target_lon);
    sailor->switch_nm = BERTH_NM;
    if (to != sailor->destination) {
        unsigned next = sailor->lanes->next[to][sailor->destination];
        double angle = fabs(wrapped(leg_bearing(to, next) - leg_bearing(from, to)));
        double speed = is_narrow(sailor) ? fmin(sailor->cruise, NARROW_SPEED) : sailor->cruise;
        double rate = is_narrow(sailor) ? fmax(sailor->turn_max, NARROW_TURN) : sailor->turn_max;
        double radius_nm = speed / 60 / (rate / RADIANS_TO_DEGREES);
        double lead_nm = radius_nm * tan(fmin(angle, 120) / 2 / RADIANS_TO_DEGREES);
        double leg_nm = sailor->lanes->distance_nm[from][to];

        sailor->switch_nm = fmin(fmax(lead_nm, 0.03), fmin(1, leg_nm / 3));
    }
}

static void choose_destination(struct sailor *sailor, unsigned port)
{
    const struct sea_lanes *lanes = sailor->lanes;
    unsigned destination;

    do {
        destination = lanes->ports[random_index(&sailor->random, lanes->port_count)];
    } while (destination == port);
    sailor->destination = (uint8_t)destination;
    begin_leg(sailor, port, lanes->next[port][destination]);
}

static void moor(struct sailor *sailor)
{
    sailor->state = SAILOR_MOORED;
    sailor->speed = 0;
    sailor->turn = 0;
    sailor->rest_s = random_between(&sailor->random, 600, 3600);
}

static void cast_off(struct sailor *sailor)
{
    sailor->state = SAILOR_UNDER_WAY;
    choose_destination(sailor, sailor->destination);
    sailor->course = sea_bearing(sailor->lat, sailor->lon, sailor->target_lat, sailor->target_lon);
}

void sailor_start(struct sailor *sailor, const struct sea_lanes *lanes)
{
    sailor->lanes = lanes;
    sailor->state = SAILOR_UNDER_WAY;
    sailor->side = random_between(&sailor->random, 0.25, 0.9);
    unsigned port = lanes->ports[random_index(&sailor->random, lanes->port_count)];
    choose_destination(sailor, port);
    double ahead_nm =
        lanes->distance_nm[port][sailor->destination] * random_between(&sailor->random, 0.02, 0.98);
    double leg_nm;
    while ((leg_nm = lanes->distance_nm[sailor->from][sailor->to]) < ahead_nm &&
           sailor->to != sailor->destination) {
        ahead_nm -= leg_nm;
        begin_leg(sailor, sailor->to, lanes->next[sailor->to][sailor->destination]);
    }
    /* Between the places where the ends of this leg are passed. */
    double share = fmin(ahead_nm / leg_nm, 0.95);
    const struct sea_point *start = sea_point(sailor->from);
    double lat = start->lat;
    double lon = start->lon;
    sea_move(&lat, &lon, leg_bearing(sailor->from, sailor->to) + 90,
             sailor->side * start->width_nm);
    sailor->lat = lat + (sailor->target_lat - lat) * share;
    sailor->lon = lon + (sailor->target_lon - lon) * share;
    sailor->course = sea_bearing(sailor->lat, sailor->lon, sailor->target_lat, sailor->target_lon);
    sailor->speed = is_narrow(sailor) ? fmin(sailor->cruise, NARROW_SPEED) : sailor->cruise;
}

void sailor_start_moored(struct sailor *sailor, const struct sea_lanes *lanes)
{
    sailor->lanes = lanes;
    sailor->side = random_between(&sailor->random, 0.25, 0.9);
    sailor->destination = lanes->ports[random_index(&sailor->random, lanes->port_count)];
    const struct sea_point *port = sea_point(sailor->destination);
    sailor->lat = port->lat;
    sailor->lon = port->lon;
    sailor->course = random_between(&sailor->random, 0, 360);
    sea_move(&sailor->lat, &sailor->lon, sailor->course,
             random_between(&sailor->random, 0, fmin(BERTH_SPREAD, port->width_nm)));
    moor(sailor);
}

void sailor_start_anchored(struct sailor *sailor, double lat, double lon, double radius_nm)
{
    sailor->state = SAILOR_ANCHORED;
    sailor->lat = lat;
    sailor->lon = lon;
    sea_move(&sailor->lat, &sailor->lon, random_between(&sailor->random, 0, 360),
             radius_nm * sqrt(random_between(&sailor->random, 0, 1)));
    sailor->course = random_between(&sailor->random, 200, 280);
}

static void choose_point(struct sailor *sailor)
{
    sailor->to = (uint8_t)random_index(&sailor->random, sea_point_count());
    sailor->target_lat = sea_point(sailor->to)->lat;
    sailor->target_lon = sea_point(sailor->to)->lon;
}

void sailor_start_flying(struct sailor *sailor, const struct sea_lanes *lanes)
{
    sailor->lanes = lanes;
    sailor->state = SAILOR_FLYING;
    choose_point(sailor);
    sailor->lat = sailor->target_lat;
    sailor->lon = sailor->target_lon;
    choose_point(sailor);
    sailor->course = sea_bearing(sailor->lat, sailor->lon, sailor->target_lat, sailor->target_lon);
    sailor->speed = sailor->cruise;
}

static double target_distance_nm(const struct sailor *sailor)
{
    return sea_distance_nm(sailor->lat, sailor->lon, sailor->target_lat, sailor->target_lon);
}

double sailor_distance_left(const struct sailor *sailor)
{
    if (sailor->state != SAILOR_UNDER_WAY) {
        return 0;
    }
    return target_distance_nm(sailor) +
           (double)sailor->lanes->distance_nm[sailor->to][sailor->destination];
}

/* Turns towards the target and changes the speed towards `wanted`, as far as the time allows. */
static void steer(struct sailor *sailor, double wanted, double turn_max, double seconds)
{
    double bearing = sea_bearing(sailor->lat, sailor->lon, sailor->target_lat, sailor->target_lon);
    double off = wrapped(bearing - sailor->course);
    double change = sailor->acceleration * seconds;

    sailor->turn = fmax(-turn_max, fmin(turn_max, off * STEERING));
    sailor->course = turned(sailor->course, sailor->turn * seconds / 60);
    sailor->speed += fmax(-change, fmin(change, wanted - sailor->speed));
    sea_move(&sailor->lat, &sailor->lon, sailor->course, sailor->speed * seconds / 3600);
}

/* Whether the target is near, or already behind in the direction of the leg. */
static bool is_passed(const struct sailor *sailor)
{
    double bearing = sea_bearing(sailor->lat, sailor->lon, sailor->target_lat, sailor->target_lon);

    return target_distance_nm(sailor) <= sailor->switch_nm ||
           fabs(wrapped(bearing - leg_bearing(sailor->from, sailor->to))) > 100;
}

static void sail(struct sailor *sailor, double seconds)
{
    bool narrow = is_narrow(sailor);
    double left_nm = sailor_distance_left(sailor);
    double wanted = narrow ? fmin(sailor->cruise, NARROW_SPEED) : sailor->cruise;

    if (left_nm < HARBOUR_NM) {
        wanted = fmin(wanted, fmax(HARBOUR_SPEED, wanted * left_nm / HARBOUR_NM));
    }
    steer(sailor, wanted, narrow ? fmax(sailor->turn_max, NARROW_TURN) : sailor->turn_max, seconds);
    if (!is_passed(sailor)) {
        return;
    }
    if (sailor->to == sailor->destination) {
        moor(sailor);
    } else {
        begin_leg(sailor, sailor->to, sailor->lanes->next[sailor->to][sailor->destination]);
    }
}

static void step(struct sailor *sailor, double seconds)
{
    switch (sailor->state) {
    case SAILOR_UNDER_WAY:
        sail(sailor, seconds);
        break;
    case SAILOR_MOORED:
        sailor->rest_s -= seconds;
        if (sailor->rest_s <= 0) {
            cast_off(sailor);
        }
        break;
    case SAILOR_ANCHORED:
        sailor->course =
            turned(sailor->course, random_between(&sailor->random, -SWING, SWING) * seconds / 60);
        break;
    case SAILOR_FLYING:
        steer(sailor, sailor->cruise, sailor->turn_max, seconds);
        if (target_distance_nm(sailor) < FLIGHT_NM) {
            choose_point(sailor);
        }
        break;
    }
}

void sailor_advance(struct sailor *sailor, double seconds)
{
    while (seconds > 0) {
        double part = fmin(seconds, STEP_S);

        step(sailor, part);
        seconds -= part;
    }
}
