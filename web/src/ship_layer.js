/* SPDX-License-Identifier: MIT */
// Draws the vessels. Keeps where each was drawn last, which is what a click is compared with.

import { METRES_PER_NAUTICAL_MILE, unitsPerMetre } from './mercator.js';
import { dimensions, direction, displayName, isMoving } from './vessel.js';
import { Atlas, shapeOf } from './symbols.js';

const HULL_MIN_PIXELS = 20;
const LABELS_MAX = 250;
const LABEL_ZOOM = 11;
const MANY = 1500;
const FEW = 80;
const FEW_ZOOM = 7.5;
const RANK = { aton: 1, base: 1, aircraft: 4, distress: 5 };

export class ShipLayer {
  constructor() {
    this.drawn = [];
    this.fastest = 0;
  }

  setTheme(theme, ratio) {
    this.theme = theme;
    this.ratio = ratio;
    this.atlas = new Atlas(ratio, theme);
  }

  /**
   * @param targets iterable of {vessel, motion, group}
   * @param options {now, selected, hovered, predictorMinutes, hidden: Set of groups}
   */
  draw(context, view, targets, options) {
    this.#collect(view, targets, options);
    const size = view.zoom < 4.5 ? 0.5 : view.zoom < 6 ? 0.62 : view.zoom < 9 ? 0.8 : 1;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, view.width, view.height);
    for (const item of this.drawn) {
      item.sprite = this.atlas.sprite(item.shape, item.colour, item.bearing, size);
    }
    const chosen = this.drawn.find((item) => item.vessel.mmsi === options.selected);
    if (chosen) this.#trail(context, view, chosen);
    for (const item of this.drawn) if (item.vessel.coarse) this.#coarse(context, view, item);
    if (options.predictorMinutes > 0) this.#predictors(context, view, options);
    const symbols = this.drawn.filter((item) => !this.#hull(context, view, item));
    const exact = symbols.length < MANY;
    context.setTransform(1, 0, 0, 1, 0, 0);
    for (const item of symbols) this.atlas.draw(context, item.sprite, item.x, item.y, exact);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    if (chosen) this.#ring(context, chosen);
    this.#labels(context, view, options);
  }

  /** The vessel at a point, or null. */
  hit(x, y, reach = 14) {
    let best = null;
    let bestDistance = reach;
    for (const item of this.drawn) {
      const distance = Math.hypot(item.x - x, item.y - y);
      // Later ones lie on top, so they win a tie.
      const reachOfItem = Math.max(reach, (item.hullPixels ?? 0) / 2);
      if (distance <= reachOfItem && (distance <= bestDistance || !best)) {
        best = item;
        bestDistance = distance;
      }
    }
    return best?.vessel ?? null;
  }

  #collect(view, targets, { now, selected, hidden }) {
    const layers = [[], [], [], [], [], [], []];
    const margin = 60;
    let fastest = 0;
    for (const target of targets) {
      const { vessel, motion, group } = target;
      if (motion.x === null || (hidden.has(group) && vessel.mmsi !== selected)) continue;
      const place = motion.at(now);
      const screen = view.toScreen(place.x, place.y);
      if (screen.x < -margin || screen.y < -margin || screen.x > view.width + margin
          || screen.y > view.height + margin) continue;
      fastest = Math.max(fastest, motion.speedAt(now));
      const moving = isMoving(vessel);
      const bearing = direction(vessel);
      const rank = vessel.mmsi === selected ? 6 : vessel.stale ? 0 : RANK[group] ?? (moving ? 3 : 2);
      layers[rank].push({
        vessel, motion, group, moving, bearing, x: screen.x, y: screen.y,
        shape: shapeOf(vessel, group, bearing, moving),
        colour: vessel.stale ? this.theme.stale : this.theme.groups[group],
      });
    }
    this.drawn = layers.flat();
    this.fastest = fastest;
  }

  /** The true outline of a ship when it is large enough to see; false if it is not. */
  #hull(context, view, item) {
    const { vessel, bearing } = item;
    const size = bearing === null || item.group === 'aton' || item.group === 'base'
      ? null : dimensions(vessel);
    if (!size) return false;
    const metre = unitsPerMetre(vessel.lat) * view.scale;
    if (size.length * metre < HULL_MIN_PIXELS) return false;
    item.hullPixels = size.length * metre;
    const beam = Math.max(size.beam, size.length / 12);
    // to_bow and to_port 0 with the others set: the size is known, the antenna's place is not.
    const unknown = !vessel.to_bow && !vessel.to_port;
    const bow = unknown ? size.length / 2 : vessel.to_bow ?? 0;
    const port = unknown || !size.beam ? beam / 2 : vessel.to_port ?? 0;
    const shoulder = bow - Math.min(size.length * 0.25, beam * 1.2);
    const [stern, starboard, middle] = [bow - size.length, beam - port, beam / 2 - port];
    context.save();
    context.translate(item.x, item.y);
    context.rotate((bearing * Math.PI) / 180);
    context.scale(metre, metre);
    context.beginPath();
    context.moveTo(middle, -bow);
    context.quadraticCurveTo(starboard, -(shoulder + bow) / 2, starboard, -shoulder);
    context.lineTo(starboard, -stern);
    context.lineTo(-port, -stern);
    context.lineTo(-port, -shoulder);
    context.quadraticCurveTo(-port, -(shoulder + bow) / 2, middle, -bow);
    context.closePath();
    context.globalAlpha = 0.85;
    context.fillStyle = item.colour;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1 / metre;
    context.strokeStyle = this.theme.outline;
    context.stroke();
    context.restore();
    return true;
  }

  #predictors(context, view, { predictorMinutes, selected }) {
    context.lineWidth = 1;
    context.strokeStyle = this.theme.predictor;
    context.beginPath();
    for (const item of this.drawn) {
      const { vessel } = item;
      if (!item.moving || vessel.cog === null || vessel.stale || vessel.coarse) continue;
      const metres = (vessel.sog * METRES_PER_NAUTICAL_MILE * predictorMinutes) / 60;
      const length = metres * unitsPerMetre(vessel.lat) * view.scale;
      if (length < 12 && vessel.mmsi !== selected) continue;
      const course = (vessel.cog * Math.PI) / 180;
      context.moveTo(item.x, item.y);
      context.lineTo(item.x + Math.sin(course) * length, item.y - Math.cos(course) * length);
    }
    context.stroke();
  }

  #coarse(context, view, item) {
    // A long-range report is given to a tenth of a minute, 185 m.
    const radius = Math.max(view.zoom < 7 ? 9 : 12, 185 * unitsPerMetre(item.vessel.lat) * view.scale);
    context.save();
    context.setLineDash([4, 3]);
    context.lineWidth = 1;
    context.strokeStyle = item.colour;
    context.beginPath();
    context.arc(item.x, item.y, radius, 0, 2 * Math.PI);
    context.stroke();
    context.restore();
  }

  #trail(context, view, item) {
    const points = item.motion.trail.map(([x, y]) => view.toScreen(x, y));
    if (!points.length) return;
    context.lineWidth = 2;
    context.lineJoin = 'round';
    context.strokeStyle = this.theme.trail;
    context.beginPath();
    points.forEach((point, i) => {
      if (i) context.lineTo(point.x, point.y);
      else context.moveTo(point.x, point.y);
    });
    context.lineTo(item.x, item.y);
    context.stroke();
  }

  #ring(context, item) {
    context.lineWidth = 2;
    context.strokeStyle = this.theme.select;
    context.beginPath();
    context.arc(item.x, item.y, ringRadius(item), 0, 2 * Math.PI);
    context.stroke();
  }

  #labels(context, view, { selected, hovered }) {
    const all = view.zoom >= LABEL_ZOOM || (this.drawn.length <= FEW && view.zoom >= FEW_ZOOM);
    const first = (item) => item.vessel.mmsi === selected || item.vessel.mmsi === hovered;
    const wanted = this.drawn.filter(first);
    if (all) wanted.push(...this.drawn.filter((item) => !first(item) && item.vessel.name));
    const taken = [];
    context.font = '500 11px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
    context.textBaseline = 'middle';
    context.lineJoin = 'round';
    context.lineWidth = 3;
    context.strokeStyle = this.theme.labelHalo;
    for (const item of wanted.slice(0, LABELS_MAX * 2)) {
      const text = displayName(item.vessel);
      item.vessel.labelWidth = item.vessel.labelOf === text
        ? item.vessel.labelWidth : context.measureText(text).width;
      item.vessel.labelOf = text;
      const left = item.x + (item.vessel.mmsi === selected ? ringRadius(item) + 5 : 12);
      const box = [left - 1, item.y - 7, left + 1 + item.vessel.labelWidth, item.y + 7];
      if (!first(item) && taken.some((other) => box[0] < other[2] && box[2] > other[0]
          && box[1] < other[3] && box[3] > other[1])) continue;
      taken.push(box);
      if (taken.length > LABELS_MAX) break;
      context.fillStyle = item.vessel.stale ? this.theme.stale : this.theme.label;
      context.strokeText(text, left, item.y + 0.5);
      context.fillText(text, left, item.y + 0.5);
    }
  }
}

function ringRadius(item) {
  return Math.max(15, Math.min(90, (item.hullPixels ?? 0) / 2 + 6));
}
