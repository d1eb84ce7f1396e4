/* SPDX-License-Identifier: MIT */
// The view in the address: #lat,lon,zoom&sel=MMSI. Either part may be missing.

const RANGES = [[-90, 90], [-180, 180], [0, 24]];

export function parseHash(hash) {
  const result = { view: null, selected: null };
  for (const part of hash.replace(/^#/, '').split('&')) {
    if (part.startsWith('sel=')) {
      const mmsi = /^\d{1,9}$/.test(part.slice(4)) ? Number(part.slice(4)) : null;
      result.selected = mmsi;
      continue;
    }
    const texts = part.split(',');
    const numbers = texts.map(Number);
    const valid = numbers.length === 3 && numbers.every((value, i) => texts[i].trim() !== ''
      && value >= RANGES[i][0] && value <= RANGES[i][1]);
    if (valid) result.view = { lat: numbers[0], lon: numbers[1], zoom: numbers[2] };
  }
  return result;
}

export function formatHash(view, selected) {
  const digits = Math.max(2, Math.min(6, Math.ceil(view.zoom / 3)));
  const place = `#${view.lat.toFixed(digits)},${view.lon.toFixed(digits)},${view.zoom.toFixed(2)}`;
  return selected === null ? place : `${place}&sel=${selected}`;
}
