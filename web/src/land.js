/* SPDX-License-Identifier: MIT */
// Reads a land file (tools/land.mjs has the format) and draws it. A cell's paths are built when it is first
// seen and kept; drawing is then one transform and one fill a cell.
//
// Paths are relative to their cell's corner: the browser's path numbers are 32-bit floats, and a path over
// the whole world would tremble by pixels in a harbour.

import { latToY } from './mercator.js';

const HEADER_BYTES = 68;

export class Land {
  constructor(buffer) {
    const data = new DataView(buffer);
    if (data.getUint32(0, false) !== 0x48594c31) throw new Error('not a land file');
    this.bytes = new Uint8Array(buffer);
    this.columns = data.getUint32(4, true);
    this.rows = data.getUint32(8, true);
    this.lonPerUnit = data.getFloat64(12, true);
    this.latPerUnit = data.getFloat64(20, true);
    this.unitsX = data.getUint32(44, true);
    this.unitsY = data.getUint32(48, true);
    this.width = data.getUint32(52, true);
    this.height = data.getUint32(56, true);
    const count = data.getUint32(60, true);
    this.points = data.getUint32(64, true);
    this.cells = [];
    for (let i = 0; i < count; i++) {
      const at = HEADER_BYTES + i * 12;
      this.cells.push(this.#cell(data.getUint16(at, true), data.getUint16(at + 2, true),
        data.getUint32(at + 4, true), data.getUint32(at + 8, true)));
    }
  }

  #cell(column, row, offset, size) {
    const [x0, y0] = [column * this.unitsX, row * this.unitsY];
    const x1 = Math.min(this.width, x0 + this.unitsX);
    const y1 = Math.min(this.height, y0 + this.unitsY);
    const box = { left: this.#mapX(x0), right: this.#mapX(x1), top: this.#mapY(y0), bottom: this.#mapY(y1) };
    return { x0, y0, x1, y1, offset, size, box, paths: null };
  }

  #mapX(x) {
    return (x * this.lonPerUnit) / 360;
  }

  #mapY(y) {
    return latToY(90 - y * this.latPerUnit);
  }

  /** The rings of a cell as flat arrays x, y, x, y … of grid units. */
  rings(cell) {
    let at = cell.offset;
    const varint = () => {
      let value = 0;
      let shift = 0;
      let byte;
      do {
        byte = this.bytes[at++];
        value |= (byte & 127) << shift;
        shift += 7;
      } while (byte & 128);
      return value >>> 0;
    };
    const zigzag = () => {
      const value = varint();
      return (value >>> 1) ^ -(value & 1);
    };
    const rings = [];
    for (let ringsLeft = varint(); ringsLeft > 0; ringsLeft--) {
      const points = varint();
      const ring = new Int32Array(points * 2);
      let [x, y] = [cell.x0, cell.y0];
      for (let i = 0; i < points; i++) {
        x += zigzag();
        y += zigzag();
        ring[2 * i] = x;
        ring[2 * i + 1] = y;
      }
      rings.push(ring);
    }
    return rings;
  }

  /** True if a place is on land (even-odd rule within its cell). */
  contains(lat, lon) {
    const px = (lon + 180) / this.lonPerUnit;
    const py = (90 - lat) / this.latPerUnit;
    const cell = this.cells.find((c) => px >= c.x0 && px < c.x1 && py >= c.y0 && py < c.y1);
    if (!cell) return false;
    cell.rings ??= this.rings(cell);
    let inside = false;
    for (const ring of cell.rings) {
      for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
        const [xi, yi, xj, yj] = [ring[i], ring[i + 1], ring[j], ring[j + 1]];
        if (yi > py !== yj > py && px < ((xj - xi) * (py - yi)) / (yj - yi) + xi) inside = !inside;
      }
    }
    return inside;
  }

  /** fill: the land; coast: its true shore lines; seam: edges that only come from the cutting. */
  #paths(cell) {
    if (cell.paths) return cell.paths;
    const [fill, coast, seam] = [new Path2D(), new Path2D(), new Path2D()];
    const { left, top } = cell.box;
    for (const ring of this.rings(cell)) {
      const count = ring.length / 2;
      let pen = null;
      for (let i = 0; i <= count; i++) {
        const index = (i % count) * 2;
        const [gx, gy] = [ring[index], ring[index + 1]];
        const [x, y] = [this.#mapX(gx) - left, this.#mapY(gy) - top];
        if (i === 0) {
          fill.moveTo(x, y);
        } else {
          const before = ((i - 1) % count) * 2;
          const [bx, by] = [ring[before], ring[before + 1]];
          const cutEdge = (gx === bx && (gx === cell.x0 || gx === cell.x1))
            || (gy === by && (gy === cell.y0 || gy === cell.y1));
          const path = cutEdge ? seam : coast;
          if (i < count) fill.lineTo(x, y);
          if (pen !== path) path.moveTo(this.#mapX(bx) - left, this.#mapY(by) - top);
          path.lineTo(x, y);
          pen = path;
        }
      }
      fill.closePath();
    }
    cell.paths = { fill, coast, seam };
    return cell.paths;
  }

  /** Draws onto a context whose own transform is `ratio` device pixels a CSS pixel. */
  draw(context, view, ratio, colours) {
    const { scale } = view;
    const halfWidth = view.width / 2 / scale;
    const halfHeight = view.height / 2 / scale;
    const seen = [];
    for (const shift of [-1, 0, 1]) {
      for (const cell of this.cells) {
        const { left, right, top, bottom } = cell.box;
        if (right + shift < view.x - halfWidth || left + shift > view.x + halfWidth
            || bottom < view.y - halfHeight || top > view.y + halfHeight) continue;
        const dx = (left + shift - view.x) * scale + view.width / 2;
        const dy = (top - view.y) * scale + view.height / 2;
        seen.push([this.#paths(cell), dx * ratio, dy * ratio]);
      }
    }
    context.save();
    context.lineJoin = 'round';
    const each = (stroke) => {
      for (const [paths, dx, dy] of seen) {
        context.setTransform(scale * ratio, 0, 0, scale * ratio, dx, dy);
        stroke(paths);
      }
    };
    context.fillStyle = colours.land;
    each((paths) => context.fill(paths.fill));
    context.strokeStyle = colours.land;
    context.lineWidth = 1 / scale;
    each((paths) => context.stroke(paths.seam));
    context.strokeStyle = colours.coast;
    context.lineWidth = (view.zoom < 5 ? 0.6 : 1) / scale;
    each((paths) => context.stroke(paths.coast));
    context.restore();
  }
}

export async function loadLand(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`land file: HTTP ${response.status}`);
  return new Land(await response.arrayBuffer());
}
