/* SPDX-License-Identifier: MIT */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatHash, parseHash } from '../src/hash.js';
import { matches, searchText, sortVessels } from '../src/search.js';
import { retryDelay, socketUrl } from '../src/connection.js';
import { emptyVessel } from '../src/vessel.js';

const vessel = (mmsi, more) => ({ ...emptyVessel(mmsi), class: 'A', ...more });
const VESSELS = [
  vessel(3, { name: 'CHARLIE', sog: 5, seen: 10, lat: 55, lon: 11, shiptype: 70 }),
  vessel(1, { name: null, sog: 20, seen: 30 }),
  vessel(2, { name: 'ALFA', sog: null, seen: 20, lat: 56, lon: 11, shiptype: 30 }),
];
const order = (id, centre = { lat: 55, lon: 11 }) => sortVessels(VESSELS, id, centre).map((v) => v.mmsi);

test('search looks at name, MMSI, call sign, destination and IMO number', () => {
  const text = searchText(vessel(2190001, { name: 'STENA SPIRIT', callsign: 'OXAB2', destination: 'DKCPH', imo: 9012345 }));
  for (const query of ['stena', 'spirit stena', '002190001', '2190', 'oxab', 'dkc', '90123', '']) {
    assert.ok(matches(text, query), query);
  }
  for (const query of ['stenax', 'stena hamburg', '219000100']) assert.ok(!matches(text, query), query);
});

test('no match across two fields', () => {
  assert.ok(!matches(searchText(vessel(1, { name: 'AB', callsign: 'CD' })), 'ABCD'));
});

test('orders', () => {
  assert.deepEqual(order('name'), [2, 3, 1]);
  assert.deepEqual(order('mmsi'), [1, 2, 3]);
  assert.deepEqual(order('speed'), [1, 3, 2]);
  assert.deepEqual(order('heard'), [1, 2, 3]);
  assert.deepEqual(order('near'), [3, 2, 1]);
  assert.deepEqual(order('near', { lat: 56, lon: 11 }), [2, 3, 1]);
  assert.deepEqual(order('type'), [3, 2, 1]);
});

test('sorting leaves its input alone and takes eleven thousand', () => {
  const many = Array.from({ length: 11000 }, (_, i) => vessel((i * 7919) % 11000, { name: i % 3 ? `N${i % 500}` : null }));
  const before = many[0];
  for (const id of ['name', 'near', 'speed', 'heard', 'type', 'mmsi']) {
    assert.equal(sortVessels(many, id, { lat: 0, lon: 0 }).length, 11000);
  }
  assert.equal(many[0], before);
});

test('address: there and back', () => {
  const view = { lat: 55.1234, lon: -11.5, zoom: 9.25 };
  const parsed = parseHash(formatHash(view, 219000001));
  assert.deepEqual(parsed, { view: { lat: 55.1234, lon: -11.5, zoom: 9.25 }, selected: 219000001 });
  assert.equal(parseHash(formatHash(view, null)).selected, null);
});

test('address: parts that are missing or wrong', () => {
  assert.deepEqual(parseHash(''), { view: null, selected: null });
  assert.deepEqual(parseHash('#sel=123'), { view: null, selected: 123 });
  for (const bad of ['#1,2', '#a,b,c', '#91,0,5', '#0,181,5', '#0,0,99', '#,,', '#NaN,0,1', '#0,0,5&sel=<b>']) {
    const { view, selected } = parseHash(bad);
    assert.ok(view === null || (bad.startsWith('#0,0,5&') && view.zoom === 5), bad);
    assert.equal(selected, null, bad);
  }
});

test('retries: quick at first, doubling, bounded, with jitter', () => {
  const middle = (failures) => retryDelay(failures, () => 0.5);
  assert.deepEqual([0, 1, 2, 3].map(middle), [500, 1000, 2000, 4000]);
  assert.equal(middle(50), 15000);
  assert.ok(retryDelay(0, () => 0) < 500 && retryDelay(0, () => 1) > 500);
});

test('the socket is on the host of the page', () => {
  assert.equal(socketUrl({ protocol: 'http:', host: 'h:8100' }), 'ws://h:8100/ws');
  assert.equal(socketUrl({ protocol: 'https:', host: 'h' }), 'wss://h/ws');
});
