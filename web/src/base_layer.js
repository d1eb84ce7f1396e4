/* SPDX-License-Identifier: MIT */
// Sea, land, graticule and scale bar: everything that only changes with the view.

import { METRES_PER_NAUTICAL_MILE, latToY, lonToX, xToLon, yToLat } from './mercator.js';

const FINE_ZOOM = 5.5;
const STEPS = [45, 30, 20, 10, 5, 2, 1, 30 / 60, 20 / 60, 10 / 60, 5 / 60, 2 / 60, 1 / 60, 0.5 / 60,
  0.2 / 60, 0.1 / 60];

function gridText(value, positive, negative, step) {
  const size = Math.abs(value);
  const letter = size < 1e-9 || Math.abs(size - 180) < 1e-9 ? '' : value > 0 ? positive : negative;
  if (step >= 1) return `${Math.round(size)}°${letter}`;
  const tenths = step < 1 / 60;
  const minutes = Math.round(size * 600) / 10;
  const whole = Math.floor(minutes / 60);
  return `${whole}°${(minutes - whole * 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, '0')}′${letter}`;
}

export class BaseLayer {
  constructor() {
    this.coarse = null;
    this.fine = null;
  }

  setTheme(theme, ratio) {
    this.theme = theme;
    this.ratio = ratio;
  }

  wantsFine(view) {
    return view.zoom >= FINE_ZOOM;
  }

  draw(context, view) {
    const { ratio, theme } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = theme.sea;
    context.fillRect(0, 0, view.width, view.height);
    const land = this.wantsFine(view) && this.fine ? this.fine : this.coarse ?? this.fine;
    land?.draw(context, view, ratio, theme);
    this.#graticule(context, view);
  }

  #graticule(context, view) {
    const degreesPerPixel = 360 / view.scale;
    const step = STEPS.filter((s) => s / degreesPerPixel >= 110).pop() ?? STEPS[0];
    const { theme } = this;
    context.lineWidth = 1;
    context.strokeStyle = theme.grid;
    context.font = '10px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif';
    const labels = [];
    const halfWidth = view.width / 2 / view.scale;
    const west = (view.x - halfWidth) * 360 - 180;
    const east = (view.x + halfWidth) * 360 - 180;
    context.beginPath();
    for (let i = Math.ceil(west / step); i * step <= east; i++) {
      const sx = Math.round((lonToX(i * step) - view.x) * view.scale + view.width / 2) + 0.5;
      context.moveTo(sx, 0);
      context.lineTo(sx, view.height);
      labels.push([gridText(xToLon(lonToX(i * step)), 'E', 'W', step), sx + 4, 11]);
    }
    const north = yToLat(view.fromScreen(0, 0).y);
    const south = yToLat(view.fromScreen(0, view.height).y);
    for (let i = Math.ceil(south / step); i * step <= north; i++) {
      const sy = Math.round((latToY(i * step) - view.y) * view.scale + view.height / 2) + 0.5;
      context.moveTo(0, sy);
      context.lineTo(view.width, sy);
      if (sy > 24) labels.push([gridText(i * step, 'N', 'S', step), 5, sy - 4]);
    }
    context.stroke();
    context.fillStyle = theme.gridText;
    context.textBaseline = 'alphabetic';
    for (const [text, x, y] of labels) context.fillText(text, x, y);
  }
}

/** The longest round length that fits: {pixels, text}. */
export function scaleBar(metresPerPixel, maxPixels = 110) {
  const miles = (metresPerPixel * maxPixels) / METRES_PER_NAUTICAL_MILE;
  if (miles >= 0.1) {
    const nice = niceNumber(miles);
    return { pixels: (nice * METRES_PER_NAUTICAL_MILE) / metresPerPixel, text: `${nice} nm` };
  }
  const nice = niceNumber(metresPerPixel * maxPixels);
  return { pixels: nice / metresPerPixel, text: `${nice} m` };
}

function niceNumber(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const factor = [5, 2, 1].find((f) => f * power <= value * 1.0000001) ?? 1;
  return Number((factor * power).toPrecision(1));
}
