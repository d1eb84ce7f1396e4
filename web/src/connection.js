/* SPDX-License-Identifier: MIT */
// The WebSocket to the server: opens, watches, reopens. States: connecting, syncing, live, lost, restarting.
//
// A line that says nothing for SILENCE_MS is as good as closed (the server sends `stat` every second).

const SILENCE_MS = 12000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15000;
const SNAPSHOT_PATIENCE_MS = 5000;
const GOING_AWAY = 1001;
const RESTART_PATIENCE_MS = 20000;

/** Milliseconds before the next try: doubling, with jitter so that many pages do not come back at once. */
export function retryDelay(failures, random = Math.random) {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 10));
  return Math.round(full * (0.75 + 0.5 * random()));
}

/** ws://host/ws beside http://host/…, wss: beside https:. */
export function socketUrl(location) {
  return `${location.protocol === 'https:' ? 'wss:' : 'ws:'}//${location.host}/ws`;
}

export class Connection {
  /** @param {{state: Function, message: Function, closed: Function}} on state(name, detail) */
  constructor(url, on) {
    this.url = url;
    this.on = on;
    this.failures = 0;
    this.state = 'connecting';
    this.restartingUntil = 0;
    this.snapshotAskedAt = 0;
  }

  start() {
    setInterval(() => this.#watch(), 1000);
    addEventListener('online', () => this.#retryNow());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#retryNow();
    });
    this.#open();
  }

  requestSnapshot() {
    this.#setState('syncing');
    this.snapshotAskedAt = performance.now();
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send('{"type":"snapshot"}');
  }

  /** The fleet holds a whole snapshot: only now is the line as good as it should be. */
  synced() {
    this.failures = 0;
    this.restartingUntil = 0;
    this.#setState('live');
  }

  #setState(state, detail = '') {
    this.state = state;
    this.on.state(state, detail);
  }

  #open() {
    clearTimeout(this.timer);
    this.timer = null;
    this.#setState('connecting');
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.heardAt = performance.now();
    socket.onopen = () => {
      this.snapshotAskedAt = performance.now();
      this.#setState('syncing');
    };
    socket.onmessage = (event) => this.#message(event.data);
    socket.onclose = (event) => {
      if (this.socket === socket) this.#closed(event.code, event.reason);
    };
  }

  #message(data) {
    this.heardAt = performance.now();
    let message = null;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    this.on.message(message);
  }

  #closed(code, reason) {
    this.socket = null;
    this.on.closed();
    const delay = retryDelay(this.failures);
    this.failures += 1;
    this.timer = setTimeout(() => this.#open(), delay);
    const now = performance.now();
    // A server that said it goes is refused connections for a while: that is no new trouble.
    if (code === GOING_AWAY) this.restartingUntil = now + RESTART_PATIENCE_MS;
    if (now < this.restartingUntil) this.#setState('restarting', 'server is restarting');
    else this.#setState('lost', reason || 'no connection');
  }

  #retryNow() {
    if (this.timer) this.#open();
  }

  #watch() {
    const now = performance.now();
    if (!this.socket) return;
    if (now - this.heardAt > SILENCE_MS) {
      // A dead line may take minutes to close by itself, so its close event is not waited for.
      const dead = this.socket;
      dead.onmessage = null;
      dead.onclose = null;
      dead.close();
      this.#closed(0, 'server is silent');
    } else if (this.state === 'syncing' && this.socket.readyState === WebSocket.OPEN
        && now - this.snapshotAskedAt > SNAPSHOT_PATIENCE_MS && now - this.heardAt < SILENCE_MS / 2) {
      this.requestSnapshot();
    }
  }
}
