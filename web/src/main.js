/* SPDX-License-Identifier: MIT */
// Puts the page together: the fleet feeds map, list, card and header; the view lives in the address.

import { Card } from './card.js';
import { vesselGroup } from './codes.js';
import { Connection, socketUrl } from './connection.js';
import { Fleet } from './fleet.js';
import { formatHash, parseHash } from './hash.js';
import { Header } from './header.js';
import { MapInput } from './input.js';
import { loadLand } from './land.js';
import { Legend } from './legend.js';
import { VesselList } from './list.js';
import { ShipMap } from './map.js';
import { latToY, lonToX, xToLon, yToLat } from './mercator.js';
import { Motion } from './motion.js';
import { ORDERS, searchText } from './search.js';
import { scaleBar } from './base_layer.js';
import { latitude, longitude } from './format.js';
import { displayName, emptyVessel, hasPosition, isMoving } from './vessel.js';

const byId = (id) => document.getElementById(id);
const TEXT_FIELDS = ['name', 'callsign', 'destination', 'imo'];
const GROUP_FIELDS = ['class', 'shiptype', 'status'];
const CLOSE_ZOOM = 12;
const phone = matchMedia('(max-width: 480px)');

class Page {
  constructor() {
    this.targets = new Map();
    this.hidden = new Set();
    this.selected = null;
    this.hovered = null;
    this.predictorMinutes = 6;
    this.clockOffset = 0;
    this.listDirty = true;
    this.fittedCount = 0;
    this.fineRequested = false;
    const start = parseHash(location.hash);
    this.autoFit = !start.view;
    this.wantedSelection = start.selected;

    this.header = new Header();
    this.map = new ShipMap(byId('surface'), {
      targets: () => this.targets.values(),
      options: () => this,
      viewChanged: () => this.#viewChanged(),
      fineWanted: () => this.#loadFine(),
    });
    this.list = new VesselList({
      targets: () => this,
      choose: (mmsi) => this.select(mmsi, true),
      centre: () => this.map.view,
      theme: () => this.map.theme,
      now: () => this.serverNow(),
    });
    this.card = new Card({
      close: () => this.select(null),
      centre: () => this.#flyToSelected(),
      theme: () => this.map.theme,
    });
    this.legend = new Legend(this.hidden, () => {
      this.map.redraw();
      this.list.update();
    });
    this.legend.setTheme(this.map.theme);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.legend.setTheme(this.map.theme);
      this.list.render();
    });
    this.#controls();
    this.#network();
    this.#goTo(start);
    this.#loadCoarse();
    setInterval(() => this.#everySecond(), 1000);
    this.#everySecond();
  }

  serverNow() {
    return Date.now() / 1000 + this.clockOffset;
  }

  // ---- data ----------------------------------------------------------------------------------------------

  #network() {
    this.fleet = new Fleet({
      changed: (vessel, names, isNew) => this.#changed(vessel, names, isNew),
      removed: (vessel) => this.#removed(vessel),
      synced: () => this.#synced(),
      needSnapshot: () => this.connection.requestSnapshot(),
    });
    this.connection = new Connection(socketUrl(location), {
      state: (state, detail) => this.header.setState(state, detail, this.connection),
      message: (message) => this.#message(message),
      closed: () => this.fleet.disconnected(),
    });
    this.connection.start();
  }

  #message(message) {
    if (Number.isFinite(message?.time)) {
      // The least delayed frame shows the offset best; older ones fade so that a clock that is set is followed.
      const offset = message.time - Date.now() / 1000;
      this.clockOffset = message.type === 'hello' || offset > this.clockOffset
        ? offset : this.clockOffset + (offset - this.clockOffset) * 0.05;
    }
    this.fleet.handle(message);
    if (message?.type === 'stat') this.header.setStat(message);
    if (message?.type === 'hello') byId('version').textContent = String(message.version ?? '');
  }

  #changed(vessel, names, isNew) {
    const now = performance.now();
    const positionMoved = isNew || names.has('lat') || names.has('lon');
    const heardAgo = vessel.seen === null ? 0 : Math.max(0, this.serverNow() - vessel.seen);
    let target = this.targets.get(vessel.mmsi);
    if (!target) {
      target = { vessel, motion: new Motion(vessel, now - heardAgo * 1000), group: '', text: '' };
      this.targets.set(vessel.mmsi, target);
    } else if (positionMoved || ['sog', 'cog', 'stale', 'coarse'].some((name) => names.has(name))) {
      target.motion.report(vessel, now - heardAgo * 1000, now, positionMoved);
    }
    if (isNew || GROUP_FIELDS.some((name) => names.has(name))) target.group = vesselGroup(vessel);
    if (isNew || TEXT_FIELDS.some((name) => names.has(name))) target.text = searchText(vessel);
    this.listDirty = true;
    if (vessel.mmsi === this.selected) this.cardDirty = true;
    this.map.redraw();
  }

  #removed(vessel) {
    this.targets.delete(vessel.mmsi);
    if (vessel.mmsi === this.selected) this.select(null);
    this.listDirty = true;
    this.map.redraw();
  }

  #synced() {
    this.connection.synced();
    this.list.update();
    this.listDirty = false;
    this.#autoFit();
    if (this.wantedSelection !== null && this.targets.has(this.wantedSelection)) {
      this.select(this.wantedSelection, this.autoFit);
    }
    this.#everySecond();
  }

  // ---- view ----------------------------------------------------------------------------------------------

  #points() {
    const points = [];
    for (const { vessel, motion, group } of this.targets.values()) {
      if (motion.x !== null && !this.hidden.has(group) && !vessel.coarse) points.push([motion.x, motion.y]);
    }
    return points;
  }

  /** Until someone moves the map, it follows a fleet that is still growing. */
  #autoFit() {
    if (!this.autoFit) return;
    const points = this.#points();
    if (points.length < Math.max(1, this.fittedCount * 2)) return;
    this.fittedCount = points.length;
    this.map.fit(points, false);
  }

  #fitAll() {
    this.map.fit(this.#points());
    this.autoFit = false;
  }

  #goTo({ view }) {
    if (view) this.map.jumpTo(lonToX(view.lon), latToY(view.lat), view.zoom);
  }

  #viewChanged() {
    const { view } = this.map ?? {};
    if (!view) return;
    clearTimeout(this.hashTimer);
    this.hashTimer = setTimeout(() => this.#writeHash(), 300);
    const bar = scaleBar(view.metresPerPixel);
    const scale = byId('scale');
    scale.firstChild.style.width = `${bar.pixels.toFixed(0)}px`;
    scale.lastChild.textContent = bar.text;
    if (this.list?.order === 'near') this.listDirty = true;
  }

  #writeHash() {
    const hash = formatHash(this.map.view, this.selected ?? this.wantedSelection);
    if (location.hash !== hash && !(this.autoFit && !this.targets.size)) history.replaceState(null, '', hash);
  }

  #insets() {
    if (!phone.matches) {
      const left = byId('legend').open ? byId('legend').offsetWidth + 12 : 0;
      return { top: 0, left, bottom: 0, right: this.selected === null ? 0 : byId('card').offsetWidth + 12 };
    }
    const sheet = this.selected !== null ? byId('card') : byId('drawer');
    return { top: 0, left: 0, right: 0, bottom: sheet.offsetHeight };
  }

  async #loadCoarse() {
    this.map.base.coarse = await this.#land('landCoarse');
    this.map.redraw(true);
  }

  async #loadFine() {
    if (this.fineRequested) return;
    this.fineRequested = true;
    this.map.base.fine = await this.#land('landFine');
    this.fineRequested = this.map.base.fine !== null;
    this.map.redraw(true);
  }

  async #land(name) {
    try {
      return await loadLand(document.body.dataset[name]);
    } catch (error) {
      console.warn(`The coast lines could not be loaded: ${error.message}`);
      return null;
    }
  }

  // ---- choosing ------------------------------------------------------------------------------------------

  select(mmsi, fly = false) {
    const target = mmsi === null ? null : this.targets.get(mmsi);
    this.selected = target ? mmsi : null;
    this.wantedSelection = null;
    document.body.classList.toggle('has-card', this.selected !== null);
    this.list.setSelected(this.selected);
    if (target) this.card.show(target, this.serverNow());
    else this.card.hide();
    this.map.insets = this.#insets();
    if (target && fly) this.#flyToSelected();
    this.map.redraw();
    clearTimeout(this.hashTimer);
    this.hashTimer = setTimeout(() => this.#writeHash(), 300);
  }

  #flyToSelected() {
    const target = this.targets.get(this.selected);
    if (!target || target.motion.x === null) return;
    this.autoFit = false;
    const place = target.motion.at(performance.now());
    this.map.flyTo(place.x, place.y, Math.max(this.map.view.zoom, CLOSE_ZOOM));
  }

  #hover(place) {
    const vessel = place ? this.map.ships.hit(place.x, place.y, 10) : null;
    const mmsi = vessel?.mmsi ?? null;
    byId('surface').classList.toggle('over', mmsi !== null);
    if (mmsi !== this.hovered) {
      this.hovered = mmsi;
      this.map.redraw();
    }
    byId('pointer').textContent = place ? this.#placeText(place) : '';
  }

  #placeText(place) {
    const { x, y } = this.map.view.fromScreen(place.x, place.y);
    return `${latitude(yToLat(y))}  ${longitude(xToLon(x))}`;
  }

  // ---- controls ------------------------------------------------------------------------------------------

  #controls() {
    const { map } = this;
    const moved = () => { this.autoFit = false; };
    new MapInput(map, byId('surface'), {
      click: ({ x, y }, kind) => {
        const vessel = map.ships.hit(x, y, kind === 'mouse' ? 12 : 22);
        this.select(vessel?.mmsi ?? null);
      },
      hover: (place) => this.#hover(place),
      moved,
      fit: () => this.#fitAll(),
    });
    const zoom = (step) => () => {
      moved();
      map.zoomBy(step);
    };
    byId('zoom-in').onclick = zoom(1);
    byId('zoom-out').onclick = zoom(-1);
    byId('fit').onclick = () => this.#fitAll();
    byId('search').addEventListener('input', (event) => this.list.setQuery(event.target.value));
    const order = byId('order');
    for (const { id, label } of ORDERS) order.append(new Option(label, id));
    order.onchange = () => this.list.setOrder(order.value);
    byId('predictor').onchange = (event) => {
      this.predictorMinutes = Number(event.target.value);
      map.redraw();
    };
    byId('about-open').onclick = () => byId('about').showModal();
    byId('alarm').querySelector('button').onclick = () => this.select(this.alarm, true);
    this.#drawer();
    byId('legend').open = innerWidth > 900 && innerHeight > 620;
    byId('legend').addEventListener('toggle', () => { map.insets = this.#insets(); });
    addEventListener('keydown', (event) => this.#key(event));
    addEventListener('hashchange', () => {
      const wanted = parseHash(location.hash);
      if (wanted.view) this.autoFit = false;
      this.#goTo(wanted);
      if (wanted.selected !== this.selected) this.select(wanted.selected);
    });
  }

  #drawer() {
    const [drawer, toggle] = [byId('drawer'), byId('drawer-toggle')];
    const set = (open) => {
      drawer.classList.toggle('closed', !open);
      toggle.setAttribute('aria-expanded', open);
      toggle.setAttribute('aria-label', open ? 'Hide the list of vessels' : 'Show the list of vessels');
      this.map.insets = this.#insets();
    };
    toggle.onclick = () => set(drawer.classList.contains('closed'));
    set(!phone.matches);
    byId('search').addEventListener('focus', () => set(true));
  }

  #key(event) {
    const typing = /^(INPUT|SELECT)$/.test(event.target.tagName);
    if (event.key === 'Escape' && !byId('about').open) {
      if (this.selected !== null) this.select(null);
    } else if (event.key === '/' && !typing) {
      event.preventDefault();
      byId('search').focus();
    }
  }

  // ---- every second --------------------------------------------------------------------------------------

  #everySecond() {
    const now = this.serverNow();
    const counts = new Map();
    let moving = 0;
    let alarm = null;
    for (const { vessel, group } of this.targets.values()) {
      counts.set(group, (counts.get(group) ?? 0) + 1);
      if (isMoving(vessel) && !vessel.stale) moving += 1;
      if (group === 'distress' && !vessel.stale) alarm ??= vessel;
    }
    this.header.tick({ now, total: this.targets.size, moving, newest: this.fleet?.newest ?? null });
    this.legend.setCounts(counts);
    this.#showAlarm(alarm, counts.get('distress') ?? 0);
    this.#autoFit();
    if (this.listDirty) {
      this.listDirty = false;
      this.list.update();
    } else {
      this.list.render();
    }
    const { items, query, total } = this.list;
    byId('shown').textContent = query || this.hidden.size ? `${items.length} of ${total}`
      : `${total ?? 0} ${total === 1 ? 'vessel' : 'vessels'}`;
    byId('drawer-title').textContent = `Vessels · ${this.targets.size}`;
    const target = this.targets.get(this.selected);
    if (target) this.card.show(target, now);
  }

  #showAlarm(vessel, count) {
    this.alarm = vessel?.mmsi ?? null;
    const bar = byId('alarm');
    const text = vessel ? `Distress signal: ${displayName(vessel)}${count > 1 ? ` and ${count - 1} more` : ''}` : '';
    if (bar.firstChild.textContent !== text) bar.firstChild.textContent = text;
    bar.hidden = !vessel;
  }
}

const page = new Page();

/** What a test may ask; nothing here changes the page. */
window.halyard = Object.freeze({
  get ships() {
    return page.targets.size;
  },
  get state() {
    return page.connection.state;
  },
  get seq() {
    return page.fleet.seq;
  },
  get gaps() {
    return page.fleet.gaps;
  },
  get view() {
    const { lat, lon, zoom } = page.map.view;
    return { lat, lon, zoom };
  },
  get selected() {
    return page.selected;
  },
  get drawn() {
    return page.map.ships.drawn.length;
  },
  get frames() {
    return page.map.frames;
  },
  /** Milliseconds of the last painting: [land, vessels]. */
  get costs() {
    return page.map.layers.map((layer) => layer.cost);
  },
  get landReady() {
    return page.map.base.coarse !== null;
  },
  get mmsis() {
    return [...page.targets.keys()];
  },
  /** A copy of a vessel's fields, with where it is drawn now ({x, y} in pixels of the map), or null. */
  ship(mmsi) {
    const target = page.targets.get(mmsi);
    if (!target) return null;
    const copy = Object.fromEntries(Object.keys(emptyVessel(0)).map((name) => [name, target.vessel[name]]));
    copy.screen = null;
    if (hasPosition(target.vessel)) {
      const place = target.motion.at(performance.now());
      copy.screen = page.map.view.toScreen(place.x, place.y);
    }
    return copy;
  },
});
