/* SPDX-License-Identifier: MIT */
// Web Mercator on the unit square: x 0..1 from 180° W to 180° E, y 0..1 from 85.05° N to 85.05° S.

export const MAX_LATITUDE = 85.0511287798066;
export const EARTH_CIRCUMFERENCE_M = 40075016.686;
export const METRES_PER_NAUTICAL_MILE = 1852;
const EARTH_RADIUS_M = 6371008.8;
const RADIANS = Math.PI / 180;

export function lonToX(lon) {
  return (lon + 180) / 360;
}

export function latToY(lat) {
  const clamped = Math.max(-MAX_LATITUDE, Math.min(MAX_LATITUDE, lat));
  return 0.5 - Math.asinh(Math.tan(clamped * RADIANS)) / (2 * Math.PI);
}

export function xToLon(x) {
  return wrapUnit(x) * 360 - 180;
}

export function yToLat(y) {
  return Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) / RADIANS;
}

/** Brings x into 0 ≤ x < 1. */
export function wrapUnit(x) {
  return x - Math.floor(x);
}

/** The shortest way from one x to another round the world, -0.5 ≤ d < 0.5. */
export function wrapDelta(dx) {
  return dx - Math.floor(dx + 0.5);
}

/** Unit-square length of one metre at this latitude. */
export function unitsPerMetre(lat) {
  const clamped = Math.max(-MAX_LATITUDE, Math.min(MAX_LATITUDE, lat));
  return 1 / (EARTH_CIRCUMFERENCE_M * Math.cos(clamped * RADIANS));
}

/** Great-circle distance in nautical miles. */
export function distanceNm(lat1, lon1, lat2, lon2) {
  const sinLat = Math.sin(((lat2 - lat1) * RADIANS) / 2);
  const sinLon = Math.sin(((lon2 - lon1) * RADIANS) / 2);
  const a = sinLat * sinLat + Math.cos(lat1 * RADIANS) * Math.cos(lat2 * RADIANS) * sinLon * sinLon;
  return (2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(a)))) / METRES_PER_NAUTICAL_MILE;
}
