/* SPDX-License-Identifier: MIT */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fleet } from '../src/fleet.js';

const FIELDS = ['mmsi', 'class', 'name', 'lat', 'lon', 'sog', 'stale', 'seen'];
const hello = (seq) => ({ type: 'hello', protocol: 1, seq, fields: FIELDS });
const row = (mmsi, name, lat = 55, lon = 11) => [mmsi, 'A', name, lat, lon, 10, false, 1000 + mmsi];
const snapshot = (seq, rows, more = false) => ({ type: 'snapshot', seq, ships: rows, more });
const delta = (seq, ...ships) => ({ type: 'delta', seq, time: 1, ships });
const gone = (seq, ...ships) => ({ type: 'gone', seq, ships });

function start() {
  const log = { changed: [], removed: [], synced: 0, asked: 0 };
  const fleet = new Fleet({
    changed: (vessel, names, isNew) => log.changed.push([vessel.mmsi, [...names], isNew]),
    removed: (vessel) => log.removed.push(vessel.mmsi),
    synced: () => { log.synced += 1; },
    needSnapshot: () => { log.asked += 1; },
  });
  return { fleet, log, send: (...messages) => messages.forEach((message) => fleet.handle(message)) };
}

const names = (fleet) => [...fleet.ships.values()].map((vessel) => vessel.name);

test('a snapshot in parts appears in one go', () => {
  const { fleet, log, send } = start();
  send(hello(4), snapshot(4, [row(1, 'ONE')], true));
  assert.equal(fleet.ships.size, 0);
  assert.equal(fleet.synced, false);
  send(snapshot(4, [row(2, 'TWO')]));
  assert.deepEqual(names(fleet), ['ONE', 'TWO']);
  assert.equal(fleet.seq, 4);
  assert.equal(log.synced, 1);
  assert.equal(fleet.newest, 1002);
});

test('an empty snapshot is a snapshot', () => {
  const { fleet, send } = start();
  send(hello(0), snapshot(0, []));
  assert.equal(fleet.synced, true);
  send(delta(1, { mmsi: 9, name: 'NEW', seen: 5 }));
  assert.equal(fleet.ships.get(9).name, 'NEW');
});

test('a delta changes only the fields it names; null forgets', () => {
  const { fleet, log, send } = start();
  send(hello(1), snapshot(1, [row(1, 'ONE')]), delta(2, { mmsi: 1, lat: 56, name: null }));
  const vessel = fleet.ships.get(1);
  assert.deepEqual([vessel.lat, vessel.lon, vessel.name], [56, 11, null]);
  assert.deepEqual(log.changed.at(-1), [1, ['lat', 'name'], false]);
});

test('a delta of an unknown vessel adds it with all else not known', () => {
  const { fleet, log, send } = start();
  send(hello(1), snapshot(1, []), delta(2, { mmsi: 7, class: 'B' }));
  assert.equal(fleet.ships.get(7).lat, null);
  assert.equal(fleet.ships.get(7).stale, false);
  assert.equal(log.changed.at(-1)[2], true);
});

test('gone removes', () => {
  const { fleet, log, send } = start();
  send(hello(1), snapshot(1, [row(1, 'ONE'), row(2, 'TWO')]), gone(2, 1, 99));
  assert.deepEqual(names(fleet), ['TWO']);
  assert.deepEqual(log.removed, [1]);
  assert.equal(fleet.seq, 2);
});

test('frames that the snapshot already holds are ignored', () => {
  const { fleet, send } = start();
  send(hello(5), snapshot(5, [row(1, 'ONE')]), delta(4, { mmsi: 1, name: 'OLD' }), gone(5, 1));
  assert.deepEqual(names(fleet), ['ONE']);
  assert.equal(fleet.seq, 5);
});

test('frames between the parts of a snapshot are applied after it', () => {
  const { fleet, log, send } = start();
  send(hello(5), snapshot(5, [row(1, 'ONE')], true), delta(6, { mmsi: 2, name: 'NEWER' }), gone(7, 1),
    snapshot(5, [row(2, 'TWO')]));
  assert.deepEqual(names(fleet), ['NEWER']);
  assert.equal(fleet.seq, 7);
  assert.equal(log.asked, 0);
});

test('a gap asks once, keeps what is shown, and heals with the new snapshot', () => {
  const { fleet, log, send } = start();
  send(hello(1), snapshot(1, [row(1, 'ONE'), row(2, 'TWO')]), delta(3, { mmsi: 1, name: 'X' }));
  assert.equal(log.asked, 1);
  assert.equal(fleet.synced, false);
  assert.deepEqual(names(fleet), ['ONE', 'TWO']);
  send(delta(4, { mmsi: 1, name: 'Y' }));
  assert.equal(log.asked, 1);
  send(snapshot(3, [row(1, 'X')]));
  assert.deepEqual(names(fleet), ['Y']);
  assert.deepEqual(log.removed, [2]);
  assert.deepEqual([fleet.seq, fleet.gaps, log.synced], [4, 1, 2]);
});

test('a vessel that stays keeps its identity over a snapshot', () => {
  const { fleet, send } = start();
  send(hello(1), snapshot(1, [row(1, 'ONE')]));
  const before = fleet.ships.get(1);
  send(hello(9), snapshot(9, [row(1, 'RENAMED')]));
  assert.equal(fleet.ships.get(1), before);
  assert.equal(before.name, 'RENAMED');
});

test('after a lost connection a half snapshot is dropped and the vessels stay', () => {
  const { fleet, send } = start();
  send(hello(1), snapshot(1, [row(1, 'ONE')]), snapshot(2, [row(5, 'HALF')], true));
  fleet.disconnected();
  assert.deepEqual(names(fleet), ['ONE']);
  send(hello(0), snapshot(0, [row(3, 'THREE')]));
  assert.deepEqual(names(fleet), ['THREE']);
});

test('the order of the columns is the one of hello', () => {
  const { fleet, send } = start();
  send({ type: 'hello', seq: 0, fields: ['name', 'mmsi'] }, snapshot(0, [['SWAPPED', 12]]));
  assert.equal(fleet.ships.get(12).name, 'SWAPPED');
});

test('values of the wrong type and frames of the wrong shape do no harm', () => {
  const { fleet, send } = start();
  send(null, 3, 'text', { type: 'delta' }, { type: 'snapshot', seq: 'x', ships: 1 }, { type: 'other' });
  send(hello(0), snapshot(0, [[1, 'A', { a: 1 }, '55', NaN, null, 1, 'now'], ['x']]));
  const vessel = fleet.ships.get(1);
  assert.equal(fleet.ships.size, 1);
  assert.deepEqual([vessel.name, vessel.lat, vessel.lon, vessel.stale, vessel.seen], [null, null, null, false, null]);
  send(delta(1, { mmsi: 1, name: '  PADDED ', __proto__: { evil: 1 }, strange: 5 }, null, 4));
  assert.equal(vessel.name, 'PADDED');
  assert.equal('strange' in vessel, false);
});
