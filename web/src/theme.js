/* SPDX-License-Identifier: MIT */
// The colours of the canvases come from the style sheet, so that light and dark are decided in one place.

import { GROUPS } from './codes.js';

const NAMES = ['sea', 'land', 'coast', 'grid', 'grid-text', 'label', 'label-halo', 'stale', 'outline',
  'select', 'predictor', 'trail'];

export function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const theme = { groups: {} };
  for (const name of NAMES) theme[name.replace(/-(\w)/g, (_, c) => c.toUpperCase())] = read(`--map-${name}`);
  for (const { id } of GROUPS) theme.groups[id] = read(`--group-${id}`);
  return theme;
}

export function watchTheme(changed) {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', changed);
}
