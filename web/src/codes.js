/* SPDX-License-Identifier: MIT */
// Texts for the codes of ITU-R M.1371, and the groups by which the map colours its symbols.

const STATUS = [
  'Under way using engine', 'At anchor', 'Not under command', 'Restricted manoeuvrability',
  'Constrained by draught', 'Moored', 'Aground', 'Engaged in fishing', 'Under way sailing',
  'Reserved (high-speed craft)', 'Reserved (wing in ground)', 'Towing astern',
  'Pushing ahead or towing alongside', 'Reserved', 'SART, MOB or EPIRB active', 'Not defined',
];

const SHIP_TYPE = new Map([
  [30, 'Fishing'], [31, 'Towing'], [32, 'Towing, long or wide'], [33, 'Dredging or underwater work'],
  [34, 'Diving'], [35, 'Military'], [36, 'Sailing'], [37, 'Pleasure craft'], [50, 'Pilot vessel'],
  [51, 'Search and rescue'], [52, 'Tug'], [53, 'Port tender'], [54, 'Anti-pollution'],
  [55, 'Law enforcement'], [56, 'Local vessel'], [57, 'Local vessel'], [58, 'Medical transport'],
  [59, 'Not party to an armed conflict'],
]);

const SHIP_TYPE_TENS = new Map([
  [2, 'Wing in ground'], [4, 'High-speed craft'], [6, 'Passenger'], [7, 'Cargo'], [8, 'Tanker'],
  [9, 'Other'],
]);

const AID_TYPE = [
  'Not given', 'Reference point', 'RACON', 'Fixed structure offshore', 'Emergency wreck mark',
  'Light without sectors', 'Light with sectors', 'Leading light, front', 'Leading light, rear',
  'Beacon, cardinal north', 'Beacon, cardinal east', 'Beacon, cardinal south',
  'Beacon, cardinal west', 'Beacon, port hand', 'Beacon, starboard hand',
  'Beacon, preferred channel port', 'Beacon, preferred channel starboard',
  'Beacon, isolated danger', 'Beacon, safe water', 'Beacon, special mark', 'Cardinal mark north',
  'Cardinal mark east', 'Cardinal mark south', 'Cardinal mark west', 'Port hand mark',
  'Starboard hand mark', 'Preferred channel port', 'Preferred channel starboard',
  'Isolated danger', 'Safe water', 'Special mark', 'Light vessel, LANBY or rig',
];

const CLASS = {
  A: 'Class A', B: 'Class B', base: 'Base station', aton: 'Aid to navigation',
  aircraft: 'SAR aircraft', distress: 'Distress beacon', unknown: 'Unknown class',
};

/** Groups in the order of the legend. The colours are in the style sheet (--group-NAME). */
export const GROUPS = [
  { id: 'cargo', label: 'Cargo' },
  { id: 'tanker', label: 'Tanker' },
  { id: 'passenger', label: 'Passenger' },
  { id: 'fast', label: 'High-speed craft' },
  { id: 'special', label: 'Tug, special craft' },
  { id: 'fishing', label: 'Fishing' },
  { id: 'pleasure', label: 'Sailing, pleasure' },
  { id: 'unknown', label: 'Other, unknown' },
  { id: 'base', label: 'Base station' },
  { id: 'aton', label: 'Aid to navigation' },
  { id: 'aircraft', label: 'SAR aircraft' },
  { id: 'distress', label: 'Distress' },
];

export function statusText(status) {
  return status === null ? null : STATUS[status] ?? `Status ${status}`;
}

export function aidTypeText(aidType) {
  return aidType === null ? null : AID_TYPE[aidType] ?? `Aid type ${aidType}`;
}

export function classText(shipClass) {
  return CLASS[shipClass] ?? CLASS.unknown;
}

export function shipTypeText(shipType) {
  if (shipType === null) return null;
  if (shipType === 0) return 'Not available';
  const exact = SHIP_TYPE.get(shipType);
  if (exact) return exact;
  const tens = SHIP_TYPE_TENS.get(Math.floor(shipType / 10));
  if (!tens) return `Reserved (${shipType})`;
  const units = shipType % 10;
  return units >= 1 && units <= 4 ? `${tens}, hazardous category ${'ABCD'[units - 1]}` : tens;
}

/** The group of a ship type alone. */
export function shipTypeGroup(shipType) {
  if (shipType === null) return 'unknown';
  if (shipType === 30) return 'fishing';
  if (shipType === 36 || shipType === 37) return 'pleasure';
  if ((shipType >= 31 && shipType <= 35) || (shipType >= 50 && shipType <= 59)) return 'special';
  switch (Math.floor(shipType / 10)) {
    case 2:
    case 4:
      return 'fast';
    case 6:
      return 'passenger';
    case 7:
      return 'cargo';
    case 8:
      return 'tanker';
    default:
      return 'unknown';
  }
}

/** The group of a vessel: its kind of station first, then its ship type. */
export function vesselGroup(vessel) {
  switch (vessel.class) {
    case 'base':
    case 'aton':
    case 'aircraft':
    case 'distress':
      return vessel.class;
    default:
      return vessel.status === 14 ? 'distress' : shipTypeGroup(vessel.shiptype);
  }
}

/** What a vessel is, in one or two words, for the list. */
export function kindText(vessel) {
  switch (vessel.class) {
    case 'base':
    case 'aircraft':
    case 'distress':
      return CLASS[vessel.class];
    case 'aton':
      return vessel.virtual ? 'Virtual aid to navigation' : CLASS.aton;
    default:
      return vessel.shiptype ? shipTypeText(vessel.shiptype) : classText(vessel.class);
  }
}
