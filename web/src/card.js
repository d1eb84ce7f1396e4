/* SPDX-License-Identifier: MIT */
// The card of the chosen vessel: everything that is known of it, with units.

import { aidTypeText, classText, kindText, shipTypeText, statusText } from './codes.js';
import { age, clock, count, degrees, eta, knots, latitude, longitude, metres, turnRate } from './format.js';
import { paintIcon, vesselIcon } from './icon.js';
import { dimensions, displayName, hasPosition } from './vessel.js';

function node(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function codeText(text, code) {
  return text === null ? null : `${text} (${code})`;
}

function sizeText(vessel) {
  const size = dimensions(vessel);
  if (!size) return null;
  return size.beam ? `${size.length} × ${size.beam} m` : `${size.length} m`;
}

function antennaText(vessel) {
  if (!dimensions(vessel) || (!vessel.to_bow && !vessel.to_port)) return null;
  const { to_bow: bow, to_stern: stern, to_port: port, to_starboard: starboard } = vessel;
  return `bow ${bow ?? 0}, stern ${stern ?? 0}, port ${port ?? 0}, starboard ${starboard ?? 0}\u00a0m`;
}

/** The rows in their sections; a row whose value is null is left out. */
export function cardSections(vessel, now) {
  const aid = vessel.class === 'aton';
  return [
    ['Identity', [
      ['MMSI', String(vessel.mmsi).padStart(9, '0')],
      ['Station', classText(vessel.class)],
      ['Call sign', vessel.callsign],
      ['IMO number', vessel.imo ? String(vessel.imo) : null],
      ['Ship type', codeText(shipTypeText(vessel.shiptype), vessel.shiptype)],
      ['Aid type', codeText(aidTypeText(vessel.aid_type), vessel.aid_type)],
      ['Aid', aid ? (vessel.virtual ? 'virtual: nothing is there to see' : 'real') : null],
      ['Size', sizeText(vessel)],
      ['Antenna to', antennaText(vessel)],
    ]],
    ['Voyage', [
      ['Status', codeText(statusText(vessel.status), vessel.status)],
      ['Destination', vessel.destination],
      ['ETA (UTC)', eta(vessel.eta)],
      ['Draught', vessel.draught ? metres(vessel.draught, 1) : null],
    ]],
    ['Position', [
      ['Latitude', latitude(vessel.lat)],
      ['Longitude', longitude(vessel.lon)],
      ['Accuracy', vessel.coarse ? 'coarse, from a long-range report' : null],
      ['Rate of turn', turnRate(vessel.turn)],
      ['Altitude', metres(vessel.altitude)],
    ]],
    ['Messages', [
      ['Last heard', vessel.seen === null ? null : `${age(now - vessel.seen)} ago, ${clock(vessel.seen)} UTC`],
      ['Heard', vessel.messages === null ? null : `${count(vessel.messages)} messages`],
    ]],
  ];
}

export class Card {
  /** @param {{close: Function, centre: Function, theme: Function}} host */
  constructor(host) {
    this.host = host;
    this.element = document.getElementById('card');
    this.shown = null;
  }

  hide() {
    this.element.hidden = true;
    this.shown = null;
  }

  show(target, now) {
    const { vessel } = target;
    const sections = cardSections(vessel, now)
      .map(([title, rows]) => [title, rows.filter(([, value]) => value !== null)])
      .filter(([, rows]) => rows.length);
    const shape = `${vessel.mmsi}|${hasPosition(vessel)}|${sections.map(([title, rows]) => title + rows.map(([label]) => label))}`;
    if (this.shown !== shape) {
      this.#build(sections, vessel);
      this.shown = shape;
    }
    this.#fill(target, sections);
    this.element.hidden = false;
  }

  #build(sections, vessel) {
    const { element } = this;
    const scrolled = element.querySelector('.scroll')?.scrollTop ?? 0;
    const focused = element.contains(document.activeElement) ? document.activeElement.className : null;
    const header = node('header');
    this.icon = node('canvas');
    this.name = node('h2');
    this.kind = node('p');
    const close = node('button', 'close', '×');
    close.type = 'button';
    close.setAttribute('aria-label', 'Close the card');
    close.onclick = () => this.host.close();
    header.append(this.icon, this.name, close, this.kind);

    const scroll = node('div', 'scroll');
    this.note = node('p', 'note');
    this.big = ['Speed', 'Course', 'Heading'].map((label) => {
      const cell = node('div');
      cell.append(node('span', '', label), node('b'));
      return cell;
    });
    const big = node('div', 'big');
    big.append(...this.big);
    scroll.append(this.note, big);
    this.values = [];
    for (const [title, rows] of sections) {
      const list = node('dl');
      for (const [label] of rows) {
        const value = node('dd');
        list.append(node('dt', '', label), value);
        this.values.push(value);
      }
      scroll.append(node('h3', '', title), list);
    }

    const footer = node('footer');
    const centre = node('button', 'centre', 'Centre');
    const copy = node('button', 'copy', 'Copy link');
    centre.type = 'button';
    copy.type = 'button';
    centre.disabled = !hasPosition(vessel);
    centre.onclick = () => this.host.centre();
    copy.onclick = () => this.#copy(copy);
    footer.append(centre, copy);
    element.replaceChildren(header, scroll, footer);
    scroll.scrollTop = scrolled;
    if (focused) element.getElementsByClassName(focused)[0]?.focus();
  }

  #fill({ vessel, group }, sections) {
    const set = (element, text) => {
      if (element.textContent !== text) element.textContent = text;
    };
    set(this.name, displayName(vessel));
    set(this.kind, kindText(vessel));
    const notes = [];
    if (!hasPosition(vessel)) notes.push('No position has been received yet: not on the map.');
    if (vessel.stale) notes.push('Not heard for a while: shown grey, not moved on.');
    set(this.note, notes.join(' '));
    this.note.hidden = !notes.length;
    const big = [knots(vessel.sog), degrees(vessel.cog, 1), degrees(vessel.heading)];
    big.forEach((text, i) => set(this.big[i].lastChild, text ?? '–'));
    let i = 0;
    for (const [, rows] of sections) for (const [, value] of rows) set(this.values[i++], value);
    const theme = this.host.theme();
    paintIcon(this.icon, vesselIcon(vessel, group, theme), theme, 28);
  }

  async #copy(button) {
    const link = location.href;
    try {
      await navigator.clipboard.writeText(link);
      button.textContent = 'Copied';
    } catch {
      // Plain http on another machine has no clipboard: the address bar holds the same link.
      button.textContent = 'See address bar';
    }
    setTimeout(() => { button.textContent = 'Copy link'; }, 1500);
  }
}
