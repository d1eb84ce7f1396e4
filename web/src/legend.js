/* SPDX-License-Identifier: MIT */
// The legend: colours with counts, each a switch that shows or hides its group; and what the shapes mean.

import { GROUPS } from './codes.js';
import { paintIcon } from './icon.js';

const SAMPLE = { base: 'square', aton: 'diamond', aircraft: 'aircraft', distress: 'distress' };
const SIGNS = [
  ['arrow', 'unknown', 'moving'], ['hull', 'unknown', 'stopped'], ['dot', 'unknown', 'no course'],
  ['arrow', 'stale', 'stale'], ['hollow', 'aton', 'virtual'],
];

export class Legend {
  constructor(hidden, changed) {
    this.hidden = hidden;
    this.changed = changed;
    this.rows = new Map();
    this.icons = [];
    const groups = document.getElementById('legend-groups');
    for (const group of GROUPS) groups.append(this.#row(group));
    const signs = document.getElementById('legend-signs');
    for (const [shape, group, text] of SIGNS) {
      const canvas = document.createElement('canvas');
      const label = document.createElement('span');
      label.textContent = text;
      signs.append(canvas, label);
      this.icons.push([canvas, { shape, bearing: 0 }, group]);
    }
  }

  #row({ id, label }) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'group';
    button.dataset.group = id;
    button.setAttribute('aria-pressed', 'true');
    const canvas = document.createElement('canvas');
    const name = document.createElement('span');
    const number = document.createElement('span');
    name.textContent = label;
    button.append(canvas, name, number);
    button.onclick = () => {
      if (!this.hidden.delete(id)) this.hidden.add(id);
      button.setAttribute('aria-pressed', !this.hidden.has(id));
      this.changed();
    };
    this.rows.set(id, { button, number });
    this.icons.push([canvas, { shape: SAMPLE[id] ?? 'arrow', bearing: 0 }, id]);
    return button;
  }

  setTheme(theme) {
    for (const [canvas, icon, group] of this.icons) {
      const colour = group === 'stale' ? theme.stale : theme.groups[group];
      paintIcon(canvas, { ...icon, colour }, theme, 22);
    }
  }

  setCounts(counts) {
    for (const [id, { button, number }] of this.rows) {
      const value = counts.get(id) ?? 0;
      if (number.textContent !== String(value)) number.textContent = value;
      // The kinds of station that are seldom there need no line while they are not.
      button.hidden = value === 0 && id in SAMPLE && !this.hidden.has(id);
    }
  }
}
