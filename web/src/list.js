/* SPDX-License-Identifier: MIT */
// The list of vessels: only the rows in sight exist, so that eleven thousand vessels scroll like ten.
// Keyboard: the list has the focus, aria-activedescendant names the row.

import { kindText } from './codes.js';
import { age, knots } from './format.js';
import { paintIcon, vesselIcon } from './icon.js';
import { matches, sortVessels } from './search.js';
import { displayName, hasPosition } from './vessel.js';

const ROW = 50;
const SPARE = 3;

export class VesselList {
  /** @param {{targets: Function, choose: Function, centre: Function, theme: Function, now: Function}} host */
  constructor(host) {
    this.host = host;
    this.element = document.getElementById('list');
    this.space = document.getElementById('list-space');
    this.empty = document.getElementById('list-empty');
    this.rows = [];
    this.items = [];
    this.active = 0;
    this.query = '';
    this.order = 'name';
    this.selected = null;
    this.element.addEventListener('scroll', () => this.render(), { passive: true });
    this.element.addEventListener('keydown', (event) => this.#key(event));
    this.element.addEventListener('click', (event) => {
      const row = event.target.closest('.row');
      if (row) this.#choose(Number(row.dataset.index));
    });
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  setQuery(query) {
    this.query = query.trim();
    this.element.scrollTop = 0;
    this.active = 0;
    this.update();
  }

  setOrder(order) {
    this.order = order;
    this.element.scrollTop = 0;
    this.active = 0;
    this.update();
  }

  setSelected(mmsi) {
    this.selected = mmsi;
    this.render();
  }

  /** Filters and sorts again. `hidden`: groups not shown. */
  update() {
    const { targets, hidden } = this.host.targets();
    const found = [];
    for (const target of targets.values()) {
      if (hidden.has(target.group)) continue;
      if (this.query && !matches(target.text, this.query)) continue;
      found.push(target.vessel);
    }
    const activeMmsi = this.items[this.active]?.mmsi;
    this.items = sortVessels(found, this.order, this.host.centre());
    if (document.activeElement === this.element && activeMmsi) {
      const index = this.items.findIndex((vessel) => vessel.mmsi === activeMmsi);
      if (index >= 0) this.active = index;
    }
    this.active = Math.max(0, Math.min(this.active, this.items.length - 1));
    this.space.style.height = `${this.items.length * ROW}px`;
    this.empty.hidden = this.items.length > 0;
    this.empty.textContent = this.query ? `No vessel matches “${this.query}”.` : 'No vessel heard yet.';
    this.total = targets.size;
    this.render();
  }

  render() {
    const { scrollTop, clientHeight } = this.element;
    if (!clientHeight) return;
    const { targets } = this.host.targets();
    const theme = this.host.theme();
    const now = this.host.now();
    const first = Math.max(0, Math.floor(scrollTop / ROW) - SPARE);
    const last = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / ROW) + SPARE);
    const wanted = last - first;
    while (this.rows.length < wanted) this.rows.push(this.#makeRow());
    while (this.rows.length > Math.max(wanted, 0)) this.rows.pop().element.remove();
    for (let i = first; i < last; i++) {
      // A row keeps its place in the document while its vessel stays in sight, so scrolling moves few rows.
      const row = this.rows[i % wanted];
      const target = targets.get(this.items[i].mmsi);
      this.#fill(row, i, this.items[i], target?.group ?? 'unknown', theme, now);
    }
    const active = this.active >= first && this.active < last ? `vessel-${this.items[this.active].mmsi}` : '';
    this.element.setAttribute('aria-activedescendant', active);
  }

  #makeRow() {
    const element = document.createElement('div');
    element.className = 'row';
    element.setAttribute('role', 'option');
    const canvas = document.createElement('canvas');
    canvas.setAttribute('aria-hidden', 'true');
    const row = { element, canvas, shown: {} };
    element.append(canvas);
    for (const name of ['name', 'about', 'speed', 'age']) {
      row[name] = document.createElement('div');
      row[name].className = name;
      element.append(row[name]);
    }
    this.element.append(element);
    return row;
  }

  #fill(row, index, vessel, group, theme, now) {
    const { element, shown } = row;
    const set = (key, value, apply) => {
      if (shown[key] === value) return;
      shown[key] = value;
      apply(value);
    };
    const located = hasPosition(vessel);
    set('mmsi', vessel.mmsi, (mmsi) => {
      element.dataset.mmsi = mmsi;
      element.id = `vessel-${mmsi}`;
    });
    set('index', index, () => {
      element.dataset.index = index;
      element.style.transform = `translateY(${index * ROW}px)`;
      element.setAttribute('aria-posinset', index + 1);
    });
    set('size', this.items.length, (size) => element.setAttribute('aria-setsize', size));
    set('name', displayName(vessel), (text) => { row.name.textContent = text; });
    const number = vessel.name === null ? '' : ` · ${String(vessel.mmsi).padStart(9, '0')}`;
    set('about', kindText(vessel) + number, (text) => { row.about.textContent = text; });
    const speed = located ? knots(vessel.sog) ?? '' : 'no position';
    set('speed', speed, (text) => {
      row.speed.textContent = text;
      row.speed.classList.toggle('none', !located);
    });
    const since = vessel.seen === null ? '' : age(now - vessel.seen);
    set('age', since, (text) => { row.age.textContent = text; });
    set('stale', vessel.stale, (stale) => element.classList.toggle('stale', stale));
    set('chosen', vessel.mmsi === this.selected, (on) => element.setAttribute('aria-selected', on));
    set('active', index === this.active, (on) => element.classList.toggle('active', on));
    const icon = vesselIcon(vessel, group, theme);
    set('icon', icon.key, () => paintIcon(row.canvas, icon, theme));
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in steps) {
      const last = Math.max(0, this.items.length - 1);
      this.active = Math.max(0, Math.min(last, this.active + steps[event.key]));
      this.#reveal();
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.#choose(this.active);
    } else {
      return;
    }
    event.preventDefault();
  }

  #reveal() {
    const top = this.active * ROW;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.element.scrollTop = top + ROW - clientHeight;
    this.render();
  }

  #choose(index) {
    const vessel = this.items[index];
    if (!vessel) return;
    this.active = index;
    this.host.choose(vessel.mmsi);
    this.render();
  }
}
