/* SPDX-License-Identifier: MIT */
// Hands on the map: drag, pinch, wheel, double click, keys, click and hover.

const CLICK_SLOP = 5;
const PAN_KEYS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

export class MapInput {
  /** @param {{click: Function, hover: Function, moved: Function, fit: Function}} on */
  constructor(map, element, on) {
    this.map = map;
    this.element = element;
    this.on = on;
    this.pointers = new Map();
    this.travel = 0;
    element.addEventListener('pointerdown', (event) => this.#down(event));
    element.addEventListener('pointermove', (event) => this.#move(event));
    element.addEventListener('pointerup', (event) => this.#up(event));
    element.addEventListener('pointercancel', (event) => this.pointers.delete(event.pointerId));
    element.addEventListener('pointerleave', () => on.hover(null));
    element.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    element.addEventListener('dblclick', (event) => {
      on.moved();
      map.zoomBy(event.shiftKey ? -1 : 1, event.offsetX, event.offsetY);
    });
    element.addEventListener('keydown', (event) => this.#key(event));
  }

  #place(event) {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #down(event) {
    if (event.button !== 0) return;
    this.element.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.#place(event));
    if (this.pointers.size === 1) this.travel = 0;
    else this.travel = Infinity;
  }

  #move(event) {
    const place = this.#place(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === 'mouse') this.on.hover(place);
      return;
    }
    this.travel += Math.hypot(place.x - before.x, place.y - before.y);
    if (this.travel < CLICK_SLOP) return;
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId);
    if (others.length === 0) {
      this.map.panBy(place.x - before.x, place.y - before.y);
    } else {
      this.#pinch(before, place, others[0][1]);
    }
    this.element.classList.add('dragging');
    this.on.moved();
    this.pointers.set(event.pointerId, place);
  }

  #pinch(before, place, other) {
    const ratio = Math.hypot(place.x - other.x, place.y - other.y)
      / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
    const middle = { x: (place.x + other.x) / 2, y: (place.y + other.y) / 2 };
    this.map.panBy((place.x - before.x) / 2, (place.y - before.y) / 2);
    this.map.zoomAt(this.map.view.zoom + Math.log2(Math.max(0.01, ratio)), middle.x, middle.y);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    this.element.classList.remove('dragging');
    if (this.travel < CLICK_SLOP) this.on.click(this.#place(event), event.pointerType);
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    const delta = Math.max(-240, Math.min(240, event.deltaY * lines));
    const place = this.#place(event);
    this.on.moved();
    this.map.zoomAt(this.map.view.zoom - delta / (event.ctrlKey ? 60 : 220), place.x, place.y);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const pan = PAN_KEYS[event.key];
    if (pan) {
      const step = event.shiftKey ? 300 : 90;
      this.map.panBy(pan[0] * step, pan[1] * step);
    } else if (event.key === '+' || event.key === '=') {
      this.map.zoomBy(1);
    } else if (event.key === '-' || event.key === '_') {
      this.map.zoomBy(-1);
    } else if (event.key === '0') {
      this.on.fit();
    } else {
      return;
    }
    event.preventDefault();
    this.on.moved();
  }
}
