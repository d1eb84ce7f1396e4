/* SPDX-License-Identifier: MIT */
// Which part of the world the map shows: a centre on the unit square and a zoom (256 × 2^zoom pixels for the
// whole world). Pure arithmetic; the map owns one.

import {
  EARTH_CIRCUMFERENCE_M, latToY, lonToX, wrapDelta, wrapUnit, xToLon, yToLat,
} from './mercator.js';

const MAX_ZOOM = 18;

export class View {
  constructor() {
    this.x = lonToX(11);
    this.y = latToY(55);
    this.zoom = 4;
    this.width = 1;
    this.height = 1;
  }

  get scale() {
    return 256 * 2 ** this.zoom;
  }

  get lat() {
    return yToLat(this.y);
  }

  get lon() {
    return xToLon(this.x);
  }

  /** The world is never narrower than the map, so a place is seen once at most. */
  get minZoom() {
    return Math.max(0, Math.log2(Math.max(this.width, this.height) / 256));
  }

  get metresPerPixel() {
    return (EARTH_CIRCUMFERENCE_M * Math.cos((this.lat * Math.PI) / 180)) / this.scale;
  }

  resize(width, height) {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    this.set(this.x, this.y, this.zoom);
  }

  set(x, y, zoom) {
    this.zoom = Math.max(this.minZoom, Math.min(MAX_ZOOM, zoom));
    this.x = wrapUnit(x);
    const half = this.height / 2 / this.scale;
    this.y = Math.max(half, Math.min(1 - half, y));
  }

  toScreen(x, y) {
    return {
      x: wrapDelta(x - this.x) * this.scale + this.width / 2,
      y: (y - this.y) * this.scale + this.height / 2,
    };
  }

  fromScreen(sx, sy) {
    return {
      x: this.x + (sx - this.width / 2) / this.scale,
      y: this.y + (sy - this.height / 2) / this.scale,
    };
  }

  panBy(dx, dy) {
    this.set(this.x - dx / this.scale, this.y - dy / this.scale, this.zoom);
  }

  /** Zooms and keeps the place under a point of the screen where it is. */
  zoomAt(zoom, sx, sy) {
    const fixed = this.fromScreen(sx, sy);
    this.set(this.x, this.y, zoom);
    const now = this.fromScreen(sx, sy);
    this.set(this.x + fixed.x - now.x, this.y + fixed.y - now.y, this.zoom);
  }
}

/**
 * The centre and zoom that show all points, or null without any. Points [x, y] on the unit square; the box
 * goes round the world the short way. Of a large fleet the outermost hundredth on each side is left out:
 * one wrong position must not make the map show the world.
 */
export function fitPoints(points, width, height, maxZoom = 12) {
  if (!points.length) return null;
  const [west, span] = narrowestSpan(points.map((point) => point[0]));
  const ys = points.map((point) => point[1]).sort((a, b) => a - b);
  const skip = points.length >= 50 ? Math.floor(points.length / 100) : 0;
  const north = ys[skip];
  const south = ys[ys.length - 1 - skip];
  const zoom = Math.log2(Math.min(width / Math.max(span, 1e-9), height / Math.max(south - north, 1e-9)) / 256);
  return { x: wrapUnit(west + span / 2), y: (north + south) / 2, zoom: Math.min(maxZoom, zoom) };
}

/** The start and length of the shortest arc of the world that holds (nearly) all x. */
function narrowestSpan(values) {
  const xs = values.map(wrapUnit).sort((a, b) => a - b);
  const count = xs.length;
  const keep = count >= 50 ? count - 2 * Math.floor(count / 100) : count;
  let best = [xs[0], Infinity];
  for (let i = 0; i < count; i++) {
    const last = i + keep - 1;
    const span = xs[last % count] + (last >= count ? 1 : 0) - xs[i];
    if (span < best[1]) best = [xs[i], span];
  }
  return best;
}
