/* SPDX-License-Identifier: MIT */
// Serves a built page and speaks docs/protocol.md with a made-up fleet:
//
//   node web/build.mjs web/dist && node web/test/mock_server.mjs --ships 250
//
// Options: --dist FOLDER (web/dist), --port N (8100; 0 picks one), --ships N (250), --area kattegat|europe,
// --interval MS (500), --gap (leaves out every 40th delta, to see the page ask for a snapshot).

import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { Land } from '../src/land.js';
import { FIELDS, MockFleet } from './mock_fleet.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const AREAS = { kattegat: [54.6, 9.6, 58.4, 13.2], europe: [35.5, -9.5, 60.5, 24] };
const TYPES = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.bin': 'application/octet-stream',
};
export const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
  + "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

function answer(dist, request, response) {
  const name = request.url.split('?')[0] === '/' ? 'index.html' : request.url.split('?')[0].slice(1);
  if (!readdirSync(dist).includes(name) || !TYPES[path.extname(name)]) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    'Content-Type': TYPES[path.extname(name)], 'Content-Encoding': 'gzip', 'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(readFileSync(path.join(dist, `${name}.gz`)));
}

/** @returns {Promise<{url: string, close: Function}>} */
export async function startMock({ dist, port = 0, ships = 250, area = 'kattegat', interval = 500, gap = false }) {
  const landFile = readdirSync(dist).find((name) => /^land-10m-.*\.bin$/.test(name));
  const bytes = readFileSync(path.join(dist, landFile));
  const land = new Land(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const fleet = new MockFleet({ ships, box: AREAS[area], onLand: (lat, lon) => land.contains(lat, lon) });
  const server = createServer((request, response) => answer(dist, request, response));
  const sockets = new WebSocketServer({ server, path: '/ws', perMessageDeflate: false });
  let seq = 0;
  let sentences = 0;
  const time = () => Date.now() / 1000;
  const broadcast = (message) => {
    const text = JSON.stringify(message);
    for (const client of sockets.clients) client.send(text);
  };
  const sendSnapshot = (client) => {
    const rows = fleet.rows();
    do {
      const part = rows.splice(0, 500);
      client.send(JSON.stringify({ type: 'snapshot', seq, ships: part, more: rows.length > 0 }));
    } while (rows.length);
  };
  sockets.on('connection', (client) => {
    client.send(JSON.stringify({
      type: 'hello', protocol: 1, version: 'mock', time: time(), seq, ships: fleet.vessels.size, stale_s: 600,
      remove_s: 1800, interval_ms: interval, fields: FIELDS,
    }));
    sendSnapshot(client);
    client.on('message', (data) => {
      try {
        if (JSON.parse(data).type === 'snapshot') sendSnapshot(client);
      } catch {
        // The protocol says: anything else is ignored.
      }
    });
  });
  const deltas = setInterval(() => {
    const changed = fleet.step(interval / 1000, 0.12);
    sentences += changed.length;
    if (!changed.length) return;
    seq += 1;
    if (!gap || seq % 40) broadcast({ type: 'delta', seq, time: time(), ships: changed });
  }, interval);
  let last = 0;
  const stats = setInterval(() => {
    broadcast({
      type: 'stat', time: time(), sentences, decoded: sentences, rejected: 0, rate: sentences - last,
      ships: fleet.vessels.size, clients: sockets.clients.size, sent: 0, dropped: 0,
    });
    last = sentences;
  }, 1000);
  await new Promise((resolve) => { server.listen(port, '127.0.0.1', resolve); });
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    close() {
      clearInterval(deltas);
      clearInterval(stats);
      for (const client of sockets.clients) client.close(1001);
      server.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      dist: { type: 'string', default: path.join(here, '..', 'dist') },
      port: { type: 'string', default: '8100' },
      ships: { type: 'string', default: '250' },
      area: { type: 'string', default: 'kattegat' },
      interval: { type: 'string', default: '500' },
      gap: { type: 'boolean', default: false },
    },
  });
  const mock = await startMock({
    ...values, port: Number(values.port), ships: Number(values.ships), interval: Number(values.interval),
  });
  console.log(mock.url);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => mock.close());
}
