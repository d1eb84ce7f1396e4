/* SPDX-License-Identifier: MIT */
// Where a vessel is drawn between two reports: dead reckoning by speed and course, and a short glide from the
// place that was guessed to the place that was reported. Units: Mercator unit square, milliseconds.

import { latToY, lonToX, unitsPerMetre, wrapDelta } from './mercator.js';
import { hasPosition, isMoving } from './vessel.js';

export const RECKON_MS = 30000;
const GLIDE_MS = 1000;
const GLIDE_METRES = 500;
const KNOT = 0.514444;
const TRAIL_POINTS = 200;
const TRAIL_STEP_METRES = 25;

/** Metres a second east and south-negative north as unit-square velocity. */
export function velocity(vessel) {
  if (!hasPosition(vessel) || !isMoving(vessel) || vessel.cog === null || vessel.stale
      || vessel.coarse) {
    return { vx: 0, vy: 0 };
  }
  const unit = (vessel.sog * KNOT * unitsPerMetre(vessel.lat)) / 1000;
  const course = (vessel.cog * Math.PI) / 180;
  return { vx: Math.sin(course) * unit, vy: -Math.cos(course) * unit };
}

export class Motion {
  constructor(vessel, reportedAt) {
    this.trail = [];
    this.ex = 0;
    this.ey = 0;
    this.glideFrom = 0;
    this.x = null;
    this.report(vessel, reportedAt, reportedAt, true);
  }

  /** Takes the vessel's newest values. `moved`: its position was reported anew, at `reportedAt`. */
  report(vessel, reportedAt, now, moved) {
    if (!hasPosition(vessel)) {
      this.x = null;
      return;
    }
    const before = this.x === null ? null : this.at(now);
    if (moved || this.x === null) {
      this.x = lonToX(vessel.lon);
      this.y = latToY(vessel.lat);
      this.reportedAt = reportedAt;
      this.#extendTrail(vessel);
    }
    const { vx, vy } = velocity(vessel);
    this.vx = vx;
    this.vy = vy;
    this.ex = 0;
    this.ey = 0;
    if (!before) return;
    const after = this.at(now);
    const ex = wrapDelta(before.x - after.x);
    const ey = before.y - after.y;
    if (Math.hypot(ex, ey) < GLIDE_METRES * unitsPerMetre(vessel.lat)) {
      this.ex = ex;
      this.ey = ey;
      this.glideFrom = now;
    }
  }

  /** The drawn place at a time. */
  at(now) {
    const ahead = Math.max(0, Math.min(RECKON_MS, now - this.reportedAt));
    const left = Math.max(0, 1 - (now - this.glideFrom) / GLIDE_MS);
    return { x: this.x + this.vx * ahead + this.ex * left, y: this.y + this.vy * ahead + this.ey * left };
  }

  /** Unit-square lengths a millisecond: 0 when the symbol stands still at that time. */
  speedAt(now) {
    const reckoned = now - this.reportedAt < RECKON_MS ? Math.hypot(this.vx, this.vy) : 0;
    const gliding = now - this.glideFrom < GLIDE_MS ? Math.hypot(this.ex, this.ey) / GLIDE_MS : 0;
    return reckoned + gliding;
  }

  #extendTrail(vessel) {
    if (vessel.coarse) return;
    const last = this.trail[this.trail.length - 1];
    const step = TRAIL_STEP_METRES * unitsPerMetre(vessel.lat);
    if (last && Math.hypot(wrapDelta(this.x - last[0]), this.y - last[1]) < step) return;
    this.trail.push([this.x, this.y]);
    if (this.trail.length > TRAIL_POINTS) this.trail.shift();
  }
}
