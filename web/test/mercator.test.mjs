/* SPDX-License-Identifier: MIT */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_LATITUDE, distanceNm, latToY, lonToX, unitsPerMetre, wrapDelta, xToLon, yToLat } from '../src/mercator.js';
import { View, fitPoints } from '../src/view.js';
import { Motion, RECKON_MS } from '../src/motion.js';
import { emptyVessel } from '../src/vessel.js';

const near = (a, b, within = 1e-9) => assert.ok(Math.abs(a - b) <= within, `${a} is not ${b} ± ${within}`);

test('corners and middle of the square', () => {
  near(lonToX(-180), 0);
  near(lonToX(0), 0.5);
  near(latToY(0), 0.5);
  near(latToY(MAX_LATITUDE), 0, 1e-12);
  near(latToY(90), 0, 1e-12);
  near(latToY(-MAX_LATITUDE), 1, 1e-12);
});

test('there and back', () => {
  for (const [lat, lon] of [[55.676, 12.568], [-33.9, 151.2], [0, -179.99], [84.9, 60]]) {
    near(yToLat(latToY(lat)), lat);
    near(xToLon(lonToX(lon)), lon);
  }
});

test('the short way round the world', () => {
  near(wrapDelta(0.9), -0.1, 1e-12);
  near(wrapDelta(-0.7), 0.3, 1e-12);
  near(xToLon(1.25), -90);
});

test('a degree of latitude is about sixty nautical miles', () => {
  near(distanceNm(55, 11, 56, 11), 60, 0.1);
  near(distanceNm(0, 179.5, 0, -179.5), 60, 0.1);
});

test('the place under the pointer stays when zooming', () => {
  const view = new View();
  view.resize(1000, 700);
  view.set(lonToX(11), latToY(56), 6);
  const before = view.fromScreen(200, 650);
  view.zoomAt(9.3, 200, 650);
  const after = view.fromScreen(200, 650);
  near(after.x, before.x, 1e-12);
  near(after.y, before.y, 1e-12);
});

test('the view never leaves the world, and screen and world agree', () => {
  const view = new View();
  view.resize(1000, 700);
  view.set(0.5, -3, -5);
  assert.ok(view.zoom >= Math.log2(1000 / 256) - 1e-12);
  near(view.fromScreen(0, 0).y, 0, 1e-12);
  const spot = view.toScreen(0.3, 0.4);
  const back = view.fromScreen(spot.x, spot.y);
  near(back.x, 0.3, 1e-12);
  near(back.y, 0.4, 1e-12);
});

test('a place across the date line is beside, not a world away', () => {
  const view = new View();
  view.resize(1000, 700);
  view.set(lonToX(179.9), 0.5, 8);
  assert.ok(Math.abs(view.toScreen(lonToX(-179.9), 0.5).x - 500) < 100);
});

test('fit: all points in sight, also across the date line', () => {
  for (const lons of [[10, 11, 12], [179, -179, 178]]) {
    const points = lons.map((lon, i) => [lonToX(lon), latToY(55 + i)]);
    const fitted = fitPoints(points, 800, 600);
    const view = new View();
    view.resize(800, 600);
    view.set(fitted.x, fitted.y, fitted.zoom);
    assert.ok(fitted.zoom > 5);
    for (const [x, y] of points) {
      const spot = view.toScreen(x, y);
      assert.ok(spot.x >= -0.01 && spot.x <= 800.01 && spot.y >= -0.01 && spot.y <= 600.01, JSON.stringify(spot));
    }
  }
});

test('fit: none, one, and one wrong position in a large fleet', () => {
  assert.equal(fitPoints([], 800, 600), null);
  assert.equal(fitPoints([[0.5, 0.3]], 800, 600).zoom, 12);
  const fleet = Array.from({ length: 200 }, (_, i) => [0.53 + i * 1e-5, 0.31 + i * 1e-5]);
  const clean = fitPoints(fleet, 800, 600).zoom;
  const fitted = fitPoints([...fleet, [0.1, 0.9]], 800, 600).zoom;
  assert.ok(Math.abs(fitted - clean) < 0.2, `${fitted} and ${clean}`);
});

function vesselAt(lat, lon, more) {
  return Object.assign(emptyVessel(1), { lat, lon, sog: 10, cog: 90, ...more });
}

test('dead reckoning: ten knots east for ten seconds, and no further than thirty', () => {
  const motion = new Motion(vesselAt(55, 11), 0);
  const start = motion.at(0);
  const metre = unitsPerMetre(55);
  near((motion.at(10000).x - start.x) / metre, 51.4444, 0.001);
  near(motion.at(10000).y, start.y, 1e-12);
  near(motion.at(RECKON_MS).x, motion.at(RECKON_MS * 10).x, 1e-15);
  assert.equal(motion.speedAt(RECKON_MS + 1), 0);
});

test('no dead reckoning for stale, still or coarse vessels', () => {
  for (const more of [{ stale: true }, { sog: 0.2 }, { sog: null }, { cog: null }, { coarse: true }]) {
    const motion = new Motion(vesselAt(55, 11, more), 0);
    near(motion.at(20000).x, lonToX(11), 1e-15);
    assert.equal(motion.speedAt(1), 0);
  }
});

test('a report does not make the symbol jump, but it arrives within a second', () => {
  const motion = new Motion(vesselAt(55, 11), 0);
  const guessed = motion.at(5000);
  const reported = vesselAt(55.0005, 11.001);
  motion.report(reported, 5000, 5000, true);
  near(motion.at(5000).x, guessed.x, 1e-12);
  near(motion.at(5000).y, guessed.y, 1e-12);
  near(motion.at(6000).y, latToY(55.0005), 1e-12);
});

test('a far report is a jump, not a glide', () => {
  const motion = new Motion(vesselAt(55, 11), 0);
  motion.report(vesselAt(56, 11), 1000, 1000, true);
  near(motion.at(1000).y, latToY(56), 1e-12);
});

test('a position that comes late or goes', () => {
  const motion = new Motion(vesselAt(null, null), 0);
  assert.equal(motion.x, null);
  motion.report(vesselAt(55, 11), 10, 10, true);
  near(motion.at(10).x, lonToX(11), 1e-12);
  motion.report(vesselAt(null, null), 20, 20, true);
  assert.equal(motion.x, null);
});
