/* SPDX-License-Identifier: MIT */
// Numbers to text, with units. null (not known) stays null: the card leaves such rows out.

function known(value, text) {
  return value === null || value === undefined ? null : text(value);
}

function two(number) {
  return String(number).padStart(2, '0');
}

export function knots(value) {
  return known(value, (v) => `${v.toFixed(1)} kn`);
}

export function degrees(value, digits = 0) {
  return known(value, (v) => `${v.toFixed(digits).padStart(digits ? digits + 4 : 3, '0')}°`);
}

export function metres(value, digits = 0) {
  return known(value, (v) => `${v.toFixed(digits)} m`);
}

export function turnRate(value) {
  return known(value, (v) => {
    if (v === 0) return 'steady';
    return `${Math.abs(v).toFixed(Math.abs(v) < 10 ? 1 : 0)}°/min to ${v > 0 ? 'starboard' : 'port'}`;
  });
}

/** Degrees and decimal minutes, as charts have it: 55°41.234′ N. */
export function angle(value, positive, negative, width) {
  const minutes = Math.round(Math.abs(value) * 60000) / 1000;
  const whole = Math.floor(minutes / 60);
  const rest = (minutes - whole * 60).toFixed(3).padStart(6, '0');
  return `${String(whole).padStart(width, '0')}°${rest}′ ${value < 0 ? negative : positive}`;
}

export function latitude(value) {
  return known(value, (v) => angle(v, 'N', 'S', 2));
}

export function longitude(value) {
  return known(value, (v) => angle(v, 'E', 'W', 3));
}

/** An age in seconds: 4 s, 3 min, 2 h 5 min, 3 d. */
export function age(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d`;
}

export function clock(unixSeconds) {
  const date = new Date(unixSeconds * 1000);
  return `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

/** MM-DD hh:mm of the protocol to "5 Mar 14:30"; parts that are not known are left out. */
export function eta(text) {
  return known(text, (t) => {
    const match = /^(\d\d)-(\d\d) (\d\d):(\d\d)$/.exec(t);
    if (!match) return t;
    const names = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
    const month = names[Number(match[1]) - 1];
    const day = month && Number(match[2]) ? `${Number(match[2])} ${month}` : '';
    const time = Number(match[3]) < 24 && Number(match[4]) < 60 ? `${match[3]}:${match[4]}` : '';
    return [day, time].filter(Boolean).join(' ') || null;
  });
}

export function count(value) {
  return known(value, (v) => Math.round(v).toString().replace(/\B(?=(\d{3})+$)/g, ' '));
}

export function rate(value) {
  return known(value, (v) => (v >= 100 ? count(v) : v.toFixed(v >= 10 ? 0 : 1)));
}
