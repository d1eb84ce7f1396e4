/* SPDX-License-Identifier: MIT */
// The vessels as the server tells them (docs/protocol.md), and nothing of the screen.
//
// Invariant: between two calls of handle() `ships` is a state that the server had, at frame `seq`.
// While a snapshot is awaited or comes in parts, delta and gone frames wait in `pending`; the last part
// swaps the vessels in one go and the waiting frames with a higher number follow.

import { clean, emptyVessel } from './vessel.js';

const PENDING_MAX = 5000;

export class Fleet {
  /**
   * @param {{changed?: Function, removed?: Function, synced?: Function, needSnapshot?: Function}} on
   *   changed(vessel, names, isNew), removed(vessel), synced(), needSnapshot()
   */
  constructor(on = {}) {
    this.on = on;
    this.ships = new Map();
    this.hello = null;
    this.stat = null;
    this.seq = null;
    this.synced = false;
    this.newest = null;
    this.gaps = 0;
    this.fields = [];
    this.staging = null;
    this.pending = [];
  }

  /** Takes one parsed frame; frames of unknown kind or shape are ignored. */
  handle(message) {
    if (!message || typeof message !== 'object') return;
    switch (message.type) {
      case 'hello':
        this.#hello(message);
        break;
      case 'snapshot':
        this.#snapshot(message);
        break;
      case 'delta':
      case 'gone':
        if (Number.isInteger(message.seq) && Array.isArray(message.ships)) this.#numbered(message);
        break;
      case 'stat':
        this.stat = message;
        break;
      default:
    }
  }

  /** A lost connection: what is known stays on show, what was half received goes. */
  disconnected() {
    this.synced = false;
    this.staging = null;
    this.pending = [];
  }

  #hello(message) {
    this.hello = message;
    this.fields = Array.isArray(message.fields) ? message.fields : [];
    this.synced = false;
    this.staging = null;
    this.pending = [];
  }

  #snapshot(message) {
    if (!Array.isArray(message.ships) || !Number.isInteger(message.seq)) return;
    if (!this.staging) this.staging = { seq: message.seq, rows: new Map() };
    // The oldest number counts: frames after it that some part holds already are harmless to apply again.
    this.staging.seq = Math.min(this.staging.seq, message.seq);
    for (const row of message.ships) {
      const values = {};
      this.fields.forEach((name, index) => {
        values[name] = row[index] ?? null;
      });
      if (Number.isInteger(values.mmsi)) this.staging.rows.set(values.mmsi, values);
    }
    if (message.more) return;

    const { rows, seq } = this.staging;
    this.staging = null;
    for (const mmsi of [...this.ships.keys()]) if (!rows.has(mmsi)) this.#remove(mmsi);
    for (const values of rows.values()) this.#apply(values);
    this.seq = seq;
    this.synced = true;
    const waiting = this.pending;
    this.pending = [];
    for (const frame of waiting) this.#numbered(frame);
    if (this.synced) this.on.synced?.();
  }

  #numbered(message) {
    if (!this.synced) {
      if (this.pending.length < PENDING_MAX) {
        this.pending.push(message);
      } else {
        this.#lost(message);
      }
      return;
    }
    if (message.seq <= this.seq) return;
    if (message.seq !== this.seq + 1) {
      this.#lost(message);
      return;
    }
    this.seq = message.seq;
    if (message.type === 'gone') {
      for (const mmsi of message.ships) this.#remove(mmsi);
    } else {
      for (const values of message.ships) if (Number.isInteger(values?.mmsi)) this.#apply(values);
    }
  }

  /** A frame is missing: what is shown is kept until a new snapshot replaces it. */
  #lost(message) {
    this.gaps += 1;
    this.synced = false;
    this.staging = null;
    this.pending = [message];
    this.on.needSnapshot?.();
  }

  #apply(values) {
    let vessel = this.ships.get(values.mmsi);
    const isNew = !vessel;
    if (isNew) {
      vessel = emptyVessel(values.mmsi);
      this.ships.set(values.mmsi, vessel);
    }
    const names = new Set();
    for (const [name, value] of Object.entries(values)) {
      if (name === 'mmsi' || !Object.hasOwn(vessel, name)) continue;
      const cleaned = clean(name, value);
      if (vessel[name] === cleaned) continue;
      vessel[name] = cleaned;
      names.add(name);
    }
    if (vessel.seen !== null && vessel.seen > (this.newest ?? 0)) this.newest = vessel.seen;
    if (isNew || names.size) this.on.changed?.(vessel, names, isNew);
  }

  #remove(mmsi) {
    const vessel = this.ships.get(mmsi);
    if (!vessel) return;
    this.ships.delete(mmsi);
    this.on.removed?.(vessel);
  }
}
