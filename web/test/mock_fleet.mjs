/* SPDX-License-Identifier: MIT */
// A made-up fleet that moves, for looking at the page without the program. Seeded: the same fleet every time.

import { unitsPerMetre, xToLon, yToLat, lonToX, latToY } from '../src/mercator.js';

export const FIELDS = ['mmsi', 'class', 'name', 'callsign', 'imo', 'shiptype', 'lat', 'lon', 'coarse', 'sog',
  'cog', 'heading', 'status', 'turn', 'draught', 'destination', 'eta', 'to_bow', 'to_stern', 'to_port',
  'to_starboard', 'aid_type', 'virtual', 'altitude', 'stale', 'seen', 'messages'];

const FIRST = ['NORD', 'BALTIC', 'STENA', 'ATLANTIC', 'MARIA', 'OCEAN', 'SKAGEN', 'VIKING', 'NEPTUN', 'AURORA',
  'ELBE', 'FJORD', 'CORAL', 'EAGLE', 'POLAR', 'SANTA', 'BLUE', 'ISLE OF', 'GRAND', 'SEA'];
const SECOND = ['STAR', 'TRADER', 'SPIRIT', 'QUEEN', 'BREEZE', 'CARRIER', 'PEARL', 'WAVE', 'HORIZON', 'DAWN',
  'LADY', 'PIONEER', 'EXPRESS', 'HAWK', 'BAY', 'PRINCESS', 'WIND', 'MERCHANT', 'LARK', 'GUARD'];
const PORTS = ['DKCPH', 'SEGOT', 'HAMBURG', 'AARHUS', 'ROTTERDAM', 'MALMO', 'GDANSK', 'OSLO', null];
const TYPES = [[70, 28], [79, 6], [80, 14], [89, 2], [60, 9], [69, 3], [40, 3], [52, 7], [33, 2], [50, 2], [30, 8],
  [36, 8], [37, 7], [90, 2], [0, 4], [71, 2]];

/** mulberry32 */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function pickType(random) {
  let left = random() * TYPES.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [type, weight] of TYPES) {
    left -= weight;
    if (left < 0) return type;
  }
  return 0;
}

function blank(mmsi, now) {
  const vessel = Object.fromEntries(FIELDS.map((name) => [name, null]));
  return Object.assign(vessel, { mmsi, coarse: false, virtual: false, stale: false, seen: now, messages: 1 });
}

export class MockFleet {
  /** @param {{ships: number, box: number[], onLand: Function, seed?: number}} options box: south, west, north, east */
  constructor({ ships, box, onLand, seed = 1 }) {
    this.random = randomFrom(seed);
    this.box = box;
    this.onLand = onLand;
    this.vessels = new Map();
    this.now = Date.now() / 1000;
    for (let i = 0; i < ships; i++) this.#add(i);
  }

  #place() {
    const [south, west, north, east] = this.box;
    for (let tries = 0; tries < 200; tries++) {
      const lat = south + this.random() * (north - south);
      const lon = west + this.random() * (east - west);
      if (!this.onLand(lat, lon)) return { lat: round(lat, 6), lon: round(lon, 6) };
    }
    return { lat: south, lon: west };
  }

  #add(index) {
    const { random } = this;
    const kind = index % 50;
    const vessel = blank(219000000 + index * 37, this.now);
    this.vessels.set(vessel.mmsi, vessel);
    vessel.messages = 1 + Math.floor(random() * 900);
    if (kind === 7 || kind === 31) {
      Object.assign(vessel, this.#place(), { class: 'aton', name: `MARK ${index}`, aid_type: 5 + Math.floor(random() * 26),
        virtual: kind === 31 && index % 100 === 31 });
    } else if (index % 250 === 13) {
      Object.assign(vessel, this.#place(), { class: 'base', mmsi: vessel.mmsi });
    } else if (index % 250 === 99) {
      Object.assign(vessel, this.#place(), { class: 'aircraft', name: 'RESCUE 912', sog: 128, cog: 210, altitude: 320 });
    } else if (index % 250 === 200 && index < 250) {
      this.vessels.delete(vessel.mmsi);
      vessel.mmsi = 970012345;
      this.vessels.set(vessel.mmsi, vessel);
      Object.assign(vessel, this.#place(), { class: 'distress', status: 14, sog: 0.4, cog: 90 });
    } else {
      this.#ship(vessel, index);
    }
  }

  #ship(vessel, index) {
    const { random } = this;
    const type = pickType(random);
    const classB = type === 36 || type === 37 || (type === 30 && random() < 0.5) || random() < 0.05;
    const moving = random() < 0.68;
    const small = classB || type === 52 || type === 50;
    const length = Math.round(small ? 9 + random() * 22 : 60 + random() * random() * 320);
    const bow = Math.round(length * (0.2 + random() * 0.6));
    const beam = Math.max(3, Math.round(length / (5.5 + random() * 1.5)));
    const port = Math.round(beam * random());
    const course = Math.floor(random() * 3600) / 10;
    Object.assign(vessel, {
      class: classB ? 'B' : 'A', shiptype: type,
      name: index % 17 === 3 ? null : `${FIRST[Math.floor(random() * 20)]} ${SECOND[Math.floor(random() * 20)]}`,
      callsign: `OX${String(1000 + index).slice(-4)}`, imo: classB ? null : 9000000 + index * 7,
      sog: moving ? round(small ? 3 + random() * 9 : 7 + random() * 12, 1) : round(random() * 0.2, 1),
      cog: course, heading: random() < 0.85 ? Math.round(course) % 360 : null,
      status: classB ? null : moving ? (type === 30 ? 7 : 0) : random() < 0.5 ? 1 : 5,
      turn: classB ? null : 0, draught: classB ? null : round(2 + length / 28, 1),
      destination: classB ? null : PORTS[Math.floor(random() * PORTS.length)],
      eta: classB ? null : '11-23 14:30', to_bow: bow, to_stern: length - bow, to_port: port,
      to_starboard: beam - port,
    });
    if (index % 40 !== 11) Object.assign(vessel, this.#place());
    if (index % 45 === 20) Object.assign(vessel, { stale: true, seen: this.now - 700 });
    if (index % 120 === 60) vessel.coarse = true;
  }

  /** Moves the fleet on; returns what changed, as a delta's ships. */
  step(seconds, share = 0.4) {
    this.now = Date.now() / 1000;
    const changed = [];
    for (const vessel of this.vessels.values()) {
      if (vessel.stale) continue;
      const lastReport = vessel.lastReport ?? this.now - seconds;
      if (this.random() > share) continue;
      const values = { mmsi: vessel.mmsi, seen: round(this.now, 3), messages: vessel.messages + 1 };
      if (vessel.lat !== null && vessel.sog >= 0.5) this.#sail(vessel, values, this.now - lastReport);
      vessel.lastReport = this.now;
      Object.assign(vessel, values);
      changed.push(values);
    }
    return changed;
  }

  #sail(vessel, values, seconds) {
    const ahead = vessel.sog * 0.514444 * seconds * unitsPerMetre(vessel.lat);
    const course = (vessel.cog * Math.PI) / 180;
    const lat = yToLat(latToY(vessel.lat) - Math.cos(course) * ahead);
    const lon = xToLon(lonToX(vessel.lon) + Math.sin(course) * ahead);
    if (vessel.class !== 'aircraft' && this.onLand(lat, lon)) {
      values.cog = round((vessel.cog + 150 + this.random() * 60) % 360, 1);
    } else {
      values.lat = round(lat, 6);
      values.lon = round(lon, 6);
      values.cog = round((vessel.cog + (this.random() - 0.5) * 1.5 + 360) % 360, 1);
    }
    if (vessel.heading !== null) values.heading = Math.round(values.cog) % 360;
  }

  rows() {
    return [...this.vessels.values()].map((vessel) => FIELDS.map((name) => vessel[name] ?? null));
  }
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}
