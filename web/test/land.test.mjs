/* SPDX-License-Identifier: MIT */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Land } from '../src/land.js';
import { buildLand } from '../tools/land.mjs';

function load(name, cellDegrees) {
  const file = new URL(`../node_modules/world-atlas/${name}.json`, import.meta.url);
  const built = buildLand(JSON.parse(readFileSync(file)), cellDegrees);
  const { data } = built;
  return { built, land: new Land(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)) };
}

const ON_LAND = { Paris: [48.86, 2.35], Sahara: [23, 10], Chukotka: [67.5, 179], 'Chukotka, west longitude': [67, -177],
  'South Pole plateau': [-80, 90], Sydney: [-33.9, 150.9], Greenland: [72, -40] };
const AT_SEA = { Kattegat: [56.9, 11.4], 'North Sea': [56, 3], 'Gulf of Guinea': [1, -3], Caspian: [41.5, 50.8],
  'Bering Sea': [58, 179.5], 'Pacific, west': [0, -179], 'Maldives, beside a squeezed islet': [4.4, 73.6] };

for (const [name, cellDegrees] of [['land-50m', 360], ['land-10m', 5]]) {
  test(`${name} in cells of ${cellDegrees}°: land is land, sea is sea`, () => {
    const { built, land } = load(name, cellDegrees);
    assert.equal(land.points, built.points);
    assert.equal(land.cells.length, built.cells);
    for (const [place, [lat, lon]] of Object.entries(ON_LAND)) assert.ok(land.contains(lat, lon), place);
    for (const [place, [lat, lon]] of Object.entries(AT_SEA)) assert.ok(!land.contains(lat, lon), place);
    for (const cell of land.cells) {
      for (const ring of land.rings(cell)) {
        for (let i = 0; i < ring.length; i += 2) {
          assert.ok(ring[i] >= cell.x0 && ring[i] <= cell.x1 && ring[i + 1] >= cell.y0 && ring[i + 1] <= cell.y1);
        }
      }
    }
  });
}

test('a file that is no land file is refused', () => {
  assert.throws(() => new Land(new ArrayBuffer(100)), /not a land file/);
});
