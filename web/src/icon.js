/* SPDX-License-Identifier: MIT */
// A vessel's symbol in a small canvas, for list, card and legend: the same paint as on the map.

import { paintSymbol, shapeOf } from './symbols.js';
import { direction, isMoving } from './vessel.js';

/** @param {HTMLCanvasElement} canvas  @param what {shape, colour, bearing} */
export function paintIcon(canvas, what, theme, size = 24) {
  const ratio = Math.min(3, devicePixelRatio || 1);
  const pixels = Math.round(size * ratio);
  if (canvas.width !== pixels) {
    canvas.width = pixels;
    canvas.height = pixels;
  }
  const c = canvas.getContext('2d');
  c.setTransform(1, 0, 0, 1, 0, 0);
  c.clearRect(0, 0, pixels, pixels);
  c.translate(pixels / 2, pixels / 2);
  c.scale(ratio * (size / 24), ratio * (size / 24));
  c.rotate(((what.bearing ?? 0) * Math.PI) / 180);
  paintSymbol(c, what.shape, what.colour, theme);
}

/** What to paint for a vessel, and a key that is equal when the picture is. */
export function vesselIcon(vessel, group, theme) {
  const pointing = direction(vessel);
  const shape = shapeOf(vessel, group, pointing, isMoving(vessel));
  const turns = shape === 'arrow' || shape === 'hull' || shape === 'aircraft';
  const bearing = turns && pointing !== null ? Math.round(pointing / 5) * 5 : 0;
  const colour = vessel.stale ? theme.stale : theme.groups[group];
  return { shape, colour, bearing, key: `${shape}/${colour}/${bearing}` };
}
