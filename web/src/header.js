/* SPDX-License-Identifier: MIT */
// The header: state of the connection, message rate, counts, age of the newest message, UTC clock.

import { age, clock, count, rate } from './format.js';

const TEXT = {
  connecting: 'Connecting', syncing: 'Loading vessels', live: 'Live', lost: 'Connection lost',
  restarting: 'Server is restarting',
};
const OLD_SECONDS = 30;

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export class Header {
  constructor() {
    this.connection = document.getElementById('connection');
    for (const id of ['rate', 'total', 'moving', 'newest', 'clock']) this[id] = document.getElementById(id);
  }

  setState(state, detail, connection) {
    // Trying again for the nth time is no news: the words stay until the line is back or lost for good.
    const retrying = state === 'connecting' && connection?.failures > 0;
    this.connection.dataset.state = state;
    this.connection.title = detail || '';
    const why = state === 'lost' && detail && detail !== 'no connection' ? `: ${detail}` : '';
    if (!retrying) set(this.connection.lastElementChild, TEXT[state] + why);
    document.body.dataset.connection = state;
    if (state !== 'live') set(this.rate, '–');
  }

  setStat(stat) {
    if (Number.isFinite(stat.rate)) set(this.rate, rate(stat.rate));
  }

  tick({ now, total, moving, newest }) {
    set(this.clock, clock(now));
    set(this.total, count(total));
    set(this.moving, count(moving));
    set(this.newest, newest === null ? '–' : age(now - newest));
    this.newest.dataset.old = newest !== null && now - newest > OLD_SECONDS;
  }
}
