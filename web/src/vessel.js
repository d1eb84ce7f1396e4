/* SPDX-License-Identifier: MIT */
// The known fields of a vessel and the type each must have: whatever else a frame holds becomes null, so that
// the rest of the page need not check again. Texts come from the air: they only ever go to textContent and
// fillText.

const TEXT = new Set(['class', 'name', 'callsign', 'destination', 'eta']);
const FLAG = new Set(['coarse', 'virtual', 'stale']);
const NUMBER = new Set([
  'imo', 'shiptype', 'lat', 'lon', 'sog', 'cog', 'heading', 'status', 'turn', 'draught', 'to_bow',
  'to_stern', 'to_port', 'to_starboard', 'aid_type', 'altitude', 'seen', 'messages',
]);

export function clean(name, value) {
  if (FLAG.has(name)) return value === true;
  if (NUMBER.has(name)) return Number.isFinite(value) ? value : null;
  if (TEXT.has(name)) return typeof value === 'string' && value.trim() ? value.trim() : null;
  return value ?? null;
}

/** A vessel with every field not known. */
export function emptyVessel(mmsi) {
  const vessel = { mmsi };
  for (const names of [TEXT, FLAG, NUMBER]) for (const name of names) vessel[name] = clean(name, null);
  return vessel;
}

export function hasPosition(vessel) {
  return vessel.lat !== null && vessel.lon !== null;
}

/** Under way by its speed, whatever its status says. */
export function isMoving(vessel) {
  return vessel.sog !== null && vessel.sog >= 0.5;
}

/** Length and beam in metres, or null. */
export function dimensions(vessel) {
  const { to_bow: bow, to_stern: stern, to_port: port, to_starboard: starboard } = vessel;
  if (bow === null && stern === null) return null;
  const length = (bow ?? 0) + (stern ?? 0);
  const beam = (port ?? 0) + (starboard ?? 0);
  return length > 0 ? { length, beam } : null;
}

/** Where the symbol points, degrees: the heading, or the course of a moving vessel, or null. */
export function direction(vessel) {
  if (vessel.heading !== null) return vessel.heading;
  return isMoving(vessel) ? vessel.cog : null;
}

export function displayName(vessel) {
  return vessel.name ?? String(vessel.mmsi).padStart(9, '0');
}
