/* SPDX-License-Identifier: MIT */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as codes from '../src/codes.js';
import { cardSections } from '../src/card.js';
import * as format from '../src/format.js';
import { shapeOf } from '../src/symbols.js';
import { emptyVessel } from '../src/vessel.js';

const vessel = (more) => ({ ...emptyVessel(219000001), class: 'A', ...more });

test('every code has a text', () => {
  for (let i = 0; i < 16; i++) assert.ok(codes.statusText(i));
  for (let i = 0; i < 32; i++) assert.ok(codes.aidTypeText(i));
  for (let i = 0; i < 100; i++) assert.ok(codes.shipTypeText(i));
  assert.equal(codes.statusText(null), null);
  assert.equal(codes.shipTypeText(null), null);
});

test('texts at the places where tables slip', () => {
  assert.equal(codes.statusText(0), 'Under way using engine');
  assert.equal(codes.statusText(5), 'Moored');
  assert.equal(codes.statusText(8), 'Under way sailing');
  assert.equal(codes.statusText(15), 'Not defined');
  assert.equal(codes.aidTypeText(9), 'Beacon, cardinal north');
  assert.equal(codes.aidTypeText(20), 'Cardinal mark north');
  assert.equal(codes.aidTypeText(31), 'Light vessel, LANBY or rig');
  assert.equal(codes.shipTypeText(70), 'Cargo');
  assert.equal(codes.shipTypeText(82), 'Tanker, hazardous category B');
  assert.equal(codes.shipTypeText(89), 'Tanker');
  assert.equal(codes.shipTypeText(52), 'Tug');
});

test('groups', () => {
  const expected = {
    cargo: [70, 79], tanker: [80, 84], passenger: [60, 69], fast: [20, 40, 49], fishing: [30],
    special: [31, 33, 35, 50, 52, 55, 59], pleasure: [36, 37], unknown: [0, 1, 38, 39, 90, 99],
  };
  for (const [group, types] of Object.entries(expected)) {
    for (const type of types) assert.equal(codes.shipTypeGroup(type), group, `type ${type}`);
  }
  assert.equal(codes.vesselGroup(vessel({ class: 'base', shiptype: 70 })), 'base');
  assert.equal(codes.vesselGroup(vessel({ class: 'aton' })), 'aton');
  assert.equal(codes.vesselGroup(vessel({ class: 'B', shiptype: 37 })), 'pleasure');
  assert.equal(codes.vesselGroup(vessel({ status: 14 })), 'distress');
  assert.equal(codes.vesselGroup(vessel({})), 'unknown');
});

test('every group has a colour, in light and in dark', () => {
  const css = readFileSync(new URL('../src/style.css', import.meta.url), 'utf8');
  for (const { id } of codes.GROUPS) assert.equal(css.split(`--group-${id}:`).length - 1, 2, id);
});

test('shapes', () => {
  assert.equal(shapeOf(vessel({}), 'cargo', 90, true), 'arrow');
  assert.equal(shapeOf(vessel({}), 'cargo', 90, false), 'hull');
  assert.equal(shapeOf(vessel({}), 'cargo', null, false), 'dot');
  assert.equal(shapeOf(vessel({ virtual: true }), 'aton', null, false), 'hollow');
  assert.equal(shapeOf(vessel({}), 'aton', null, false), 'diamond');
  assert.equal(shapeOf(vessel({}), 'base', null, false), 'square');
  assert.equal(shapeOf(vessel({}), 'distress', 3, true), 'distress');
});

test('numbers with units', () => {
  assert.equal(format.knots(12.34), '12.3 kn');
  assert.equal(format.degrees(7), '007°');
  assert.equal(format.degrees(7.25, 1), '007.3°');
  assert.equal(format.latitude(55.5), '55°30.000′ N');
  assert.equal(format.longitude(-3.75), '003°45.000′ W');
  assert.equal(format.latitude(59.9999999), '60°00.000′ N');
  assert.equal(format.turnRate(-4.7), '4.7°/min to port');
  assert.equal(format.age(59.9), '59 s');
  assert.equal(format.age(3700), '1 h 1 min');
  assert.equal(format.age(-3), '0 s');
  assert.equal(format.eta('03-05 14:30'), '5 Mar 14:30');
  assert.equal(format.eta('00-00 24:60'), null);
  assert.equal(format.count(1234567), '1 234 567');
  assert.equal(format.clock(0), '00:00:00');
  for (const name of ['knots', 'degrees', 'latitude', 'turnRate', 'eta']) assert.equal(format[name](null), null);
});

test('the card shows what is known, with units and texts', () => {
  const rows = new Map(cardSections(vessel({
    name: 'X', shiptype: 70, status: 5, to_bow: 100, to_stern: 20, to_port: 8, to_starboard: 12, seen: 100,
    lat: 55.5, lon: 11, draught: 5.2, messages: 12,
  }), 104).flatMap(([, entries]) => entries));
  assert.equal(rows.get('Ship type'), 'Cargo (70)');
  assert.equal(rows.get('Status'), 'Moored (5)');
  assert.equal(rows.get('Size'), '120 × 20 m');
  assert.equal(rows.get('Draught'), '5.2 m');
  assert.equal(rows.get('Last heard'), '4 s ago, 00:01:40 UTC');
  assert.equal(rows.get('Call sign'), null);
  assert.equal(rows.get('Aid'), null);
});
