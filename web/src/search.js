/* SPDX-License-Identifier: MIT */
// Finding and ordering vessels for the list.

import { displayName, hasPosition } from './vessel.js';
import { distanceNm } from './mercator.js';
import { vesselGroup } from './codes.js';

/** What a search looks at. */
export function searchText(vessel) {
  return [vessel.name, String(vessel.mmsi).padStart(9, '0'), vessel.callsign, vessel.destination,
    vessel.imo].filter((part) => part !== null && part !== undefined).join('\n').toUpperCase();
}

/** True if every word of the query is found somewhere. `text` is searchText(). */
export function matches(text, query) {
  return query.toUpperCase().split(/\s+/).every((word) => text.includes(word));
}

function byName(a, b) {
  if ((a.name === null) !== (b.name === null)) return a.name === null ? 1 : -1;
  const [left, right] = [displayName(a), displayName(b)];
  if (left !== right) return left < right ? -1 : 1;
  return a.mmsi - b.mmsi;
}

function descending(field) {
  return (a, b) => (b[field] ?? -1) - (a[field] ?? -1) || byName(a, b);
}

export const ORDERS = [
  { id: 'name', label: 'Name' },
  { id: 'near', label: 'Nearest to map centre' },
  { id: 'speed', label: 'Fastest' },
  { id: 'heard', label: 'Last heard' },
  { id: 'type', label: 'Type' },
  { id: 'mmsi', label: 'MMSI' },
];

/** A new sorted array. `centre` {lat, lon} is what "near" measures from. */
export function sortVessels(vessels, order, centre) {
  const sorted = [...vessels];
  switch (order) {
    case 'near': {
      const distance = new Map(sorted.map((vessel) => [vessel, hasPosition(vessel)
        ? distanceNm(centre.lat, centre.lon, vessel.lat, vessel.lon) : Infinity]));
      return sorted.sort((a, b) => {
        const [da, db] = [distance.get(a), distance.get(b)];
        return da === db ? byName(a, b) : da - db;
      });
    }
    case 'speed':
      return sorted.sort(descending('sog'));
    case 'heard':
      return sorted.sort(descending('seen'));
    case 'type': {
      const group = new Map(sorted.map((vessel) => [vessel, vesselGroup(vessel)]));
      return sorted.sort((a, b) => {
        const [ga, gb] = [group.get(a), group.get(b)];
        return ga === gb ? byName(a, b) : ga < gb ? -1 : 1;
      });
    }
    case 'mmsi':
      return sorted.sort((a, b) => a.mmsi - b.mmsi);
    default:
      return sorted.sort(byName);
  }
}
