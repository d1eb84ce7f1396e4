/* SPDX-License-Identifier: MIT */
// The two canvases and when they are painted. The land is painted when the view changes; the vessels at most
// 20 times a second, and only when something on the screen would differ.
//
// While the view moves faster than that, the canvases as last painted are moved and scaled by the style sheet
// transform, so that panning stays smooth with thousands of vessels.

import { BaseLayer } from './base_layer.js';
import { ShipLayer } from './ship_layer.js';
import { View, fitPoints } from './view.js';
import { wrapDelta } from './mercator.js';
import { readTheme, watchTheme } from './theme.js';

// A slow machine paints more seldom still, so that it has time for the rest.
const FRAME_MS = 50;
const CHEAP_MS = 6;
const VISIBLE_STEP = 0.4;

export class ShipMap {
  /** @param {{targets: Function, options: Function, viewChanged: Function, fineWanted: Function}} host */
  constructor(element, host) {
    this.element = element;
    this.host = host;
    this.view = new View();
    this.base = new BaseLayer();
    this.ships = new ShipLayer();
    this.canvases = [...element.querySelectorAll('canvas')];
    this.layers = this.canvases.map((canvas) => ({
      canvas, context: canvas.getContext('2d'), painted: null, at: 0, cost: 0, dirty: true,
    }));
    this.insets = { top: 0, right: 0, bottom: 0, left: 0 };
    this.frames = 0;
    this.#theme();
    watchTheme(() => this.#theme());
    new ResizeObserver(() => this.#resize()).observe(element);
    this.#resize();
  }

  #theme() {
    this.ratio = Math.min(3, devicePixelRatio || 1);
    const theme = readTheme();
    this.base.setTheme(theme, this.ratio);
    this.ships.setTheme(theme, this.ratio);
    this.theme = theme;
    this.redraw(true);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (Math.min(3, devicePixelRatio || 1) !== this.ratio) this.#theme();
    this.view.resize(width, height);
    for (const layer of this.layers) {
      layer.canvas.width = Math.round(width * this.ratio);
      layer.canvas.height = Math.round(height * this.ratio);
      layer.painted = null;
    }
    this.#viewChanged();
    // At once: a resized canvas is empty, and would flash.
    this.#frame(performance.now());
  }

  /** Something about the vessels (or also the land) is different from what is painted. */
  redraw(land = false) {
    this.layers[1].dirty = true;
    if (land) this.layers[0].dirty = true;
    this.#schedule();
  }

  #viewChanged() {
    this.redraw(true);
    if (this.base.wantsFine(this.view)) this.host.fineWanted();
    this.host.viewChanged();
  }

  #schedule() {
    this.pending ??= requestAnimationFrame((now) => {
      this.pending = null;
      this.#frame(now);
    });
  }

  #frame(now) {
    this.#animate(now);
    let again = false;
    for (const [index, layer] of this.layers.entries()) {
      if (!layer.dirty) continue;
      const viewMoved = !layer.painted || !sameView(layer.painted, this.view);
      const due = !layer.painted || now - layer.at >= Math.max(FRAME_MS, Math.min(250, 3 * layer.cost))
        || (viewMoved && layer.cost < CHEAP_MS);
      if (due) {
        this.#paint(index, layer, now);
      } else {
        if (viewMoved) follow(layer, this.view);
        again = true;
      }
    }
    if (again || this.flight) this.#schedule();
  }

  #paint(index, layer, now) {
    const start = performance.now();
    const { view } = this;
    if (index === 0) {
      this.base.draw(layer.context, view);
    } else {
      this.ships.draw(layer.context, view, this.host.targets(), { now: start, ...this.host.options() });
      this.frames += 1;
      this.#wakeForMotion();
    }
    layer.canvas.style.transform = '';
    layer.painted = { x: view.x, y: view.y, zoom: view.zoom };
    layer.at = now;
    layer.cost = performance.now() - start;
    layer.dirty = false;
  }

  /** The next painting is when the fastest vessel has moved by a visible part of a pixel. */
  #wakeForMotion() {
    clearTimeout(this.motionTimer);
    const pixelsPerMs = this.ships.fastest * this.view.scale;
    if (pixelsPerMs <= 0) return;
    const wait = Math.max(FRAME_MS, VISIBLE_STEP / pixelsPerMs);
    if (wait < 60000) this.motionTimer = setTimeout(() => this.redraw(), wait);
  }

  // ---- moving the view -----------------------------------------------------------------------------------

  panBy(dx, dy) {
    this.flight = null;
    this.view.panBy(dx, dy);
    this.#viewChanged();
  }

  zoomAt(zoom, x = this.view.width / 2, y = this.view.height / 2) {
    this.flight = null;
    this.view.zoomAt(zoom, x, y);
    this.#viewChanged();
  }

  jumpTo(x, y, zoom) {
    this.flight = null;
    this.view.set(x, y, zoom);
    this.#viewChanged();
  }

  /** Zooms in a short, eased step around a point. */
  zoomBy(steps, x = this.view.width / 2, y = this.view.height / 2) {
    const from = this.flight?.toZoom ?? this.view.zoom;
    this.#fly({ toZoom: Math.round((from + steps) * 100) / 100, around: [x, y] }, 180);
  }

  /** Brings a place of the unit square to the middle of the part of the map that no panel covers. */
  flyTo(x, y, zoom) {
    const target = this.#withInsets(x, y, zoom);
    const from = this.view;
    const far = Math.hypot(wrapDelta(target.x - from.x), target.y - from.y) * from.scale;
    if (far > 4 * (from.width + from.height)) this.jumpTo(target.x, target.y, target.zoom);
    else this.#fly({ toX: target.x, toY: target.y, toZoom: target.zoom }, 450);
  }

  fit(points, animate = true) {
    const { left, right, top, bottom } = this.insets;
    const width = Math.max(80, this.view.width - left - right - 60);
    const height = Math.max(80, this.view.height - top - bottom - 60);
    const fitted = fitPoints(points, width, height);
    if (!fitted) return;
    if (animate) {
      this.flyTo(fitted.x, fitted.y, fitted.zoom);
    } else {
      const target = this.#withInsets(fitted.x, fitted.y, fitted.zoom);
      this.jumpTo(target.x, target.y, target.zoom);
    }
  }

  #withInsets(x, y, zoom) {
    const clamped = Math.max(this.view.minZoom, zoom);
    const scale = 256 * 2 ** clamped;
    const { left, right, top, bottom } = this.insets;
    return { x: x + (right - left) / 2 / scale, y: y + (bottom - top) / 2 / scale, zoom: clamped };
  }

  #fly(flight, duration) {
    const { view } = this;
    const quick = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.flight = {
      ...flight, duration: quick ? 0 : duration, start: null, fromX: view.x, fromY: view.y, fromZoom: view.zoom,
    };
    this.#schedule();
  }

  #animate(now) {
    const { flight, view } = this;
    if (!flight) return;
    flight.start ??= now;
    const part = flight.duration ? Math.min(1, (now - flight.start) / flight.duration) : 1;
    const eased = 1 - (1 - part) ** 3;
    const zoom = flight.fromZoom + (flight.toZoom - flight.fromZoom) * eased;
    if (flight.around) {
      view.zoomAt(zoom, ...flight.around);
    } else {
      const dx = wrapDelta(flight.toX - flight.fromX);
      view.set(flight.fromX + dx * eased, flight.fromY + (flight.toY - flight.fromY) * eased, zoom);
    }
    if (part >= 1) this.flight = null;
    this.#viewChanged();
  }
}

function sameView(a, b) {
  return a.x === b.x && a.y === b.y && a.zoom === b.zoom;
}

/** Moves a painted canvas to where its content belongs in the view of now. */
function follow(layer, view) {
  const factor = 2 ** (view.zoom - layer.painted.zoom);
  const dx = wrapDelta(layer.painted.x - view.x) * view.scale;
  const dy = (layer.painted.y - view.y) * view.scale;
  layer.canvas.style.transform = `translate(${dx}px, ${dy}px) scale(${factor})`;
}
