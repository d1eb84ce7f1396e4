/* SPDX-License-Identifier: MIT */
// Turns a TopoJSON land file of the npm package world-atlas (Natural Earth) into the page's land file.
//
// d3-geo clips the polygons at the date line (planar renderers draw bars across the map otherwise),
// then every polygon is cut into cells of `cellDegrees`. No other change is made to the geometry: points
// stay on the integer grid of the source, so that a delta is one or two bytes.
//
// File, little endian:
//   "HYL1", u32 columns, u32 rows, f64 lon per unit, f64 lat per unit, f64 lon of 0, f64 lat of 0,
//   u32 units per cell in x, u32 in y, u32 width, u32 height (units), u32 cells, u32 points,
//   cells × { u16 column, u16 row, u32 first byte, u32 bytes } (first byte counts from the file's start),
//   then for every cell: varint rings; each ring: varint points, points × zigzag varints dx, dy.
//   The first point of a ring is relative to the cell's corner, the others to the point before.
import { geoArea, geoEquirectangular, geoIdentity, geoPath } from 'd3-geo';
import { feature } from 'topojson-client';

const HEADER_BYTES = 4 + 4 * 2 + 8 * 4 + 4 * 6;

/** Collects what geoPath draws as rings of whole-number points. */
class RingSink {
  constructor(toX, toY) {
    this.toX = toX;
    this.toY = toY;
    this.rings = [];
  }

  moveTo(x, y) {
    this.ring = [];
    this.rings.push(this.ring);
    this.lineTo(x, y);
  }

  lineTo(x, y) {
    const px = Math.round(this.toX(x));
    const py = Math.round(this.toY(y));
    const last = this.ring[this.ring.length - 1];
    if (!last || last[0] !== px || last[1] !== py) this.ring.push([px, py]);
  }

  closePath() {
    const first = this.ring[0];
    const last = this.ring[this.ring.length - 1];
    if (this.ring.length > 1 && first[0] === last[0] && first[1] === last[1]) this.ring.pop();
  }

  arc() {}

  done() {
    return this.rings.filter((ring) => ring.length >= 3);
  }
}

/**
 * The source's grid has squeezed a few islets to three points that run the wrong way round or lie in one
 * line; on the sphere such a ring means "all the world but this". Turns the ring, or drops it if that is no help.
 */
function mended(coordinates) {
  const polygon = { type: 'Polygon', coordinates };
  if (geoArea(polygon) < 2 * Math.PI) return polygon;
  polygon.coordinates = coordinates.map((ring) => [...ring].reverse());
  return geoArea(polygon) < 2 * Math.PI ? polygon : null;
}

/** Polygons of the source, clipped at the date line, on the whole-number grid of the whole world. */
function planarPolygons(topology, grid) {
  const land = feature(topology, topology.objects.land);
  const features = land.type === 'FeatureCollection' ? land.features : [land];
  const projection = geoEquirectangular().scale(180 / Math.PI).translate([0, 0]).precision(0);
  const polygons = [];
  for (const { geometry } of features) {
    const parts = geometry.type === 'MultiPolygon' ? geometry.coordinates : [geometry.coordinates];
    for (const coordinates of parts) {
      const polygon = mended(coordinates);
      if (!polygon) continue;
      const sink = new RingSink(
        (lon) => (lon + 180) / grid.lonPerUnit,
        (minusLat) => (90 + minusLat) / grid.latPerUnit,
      );
      geoPath(projection, sink)(polygon);
      const rings = sink.done();
      if (rings.length) polygons.push(rings);
    }
  }
  return polygons;
}

function bounds(rings) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings) {
    for (const [x, y] of ring) {
      box[0] = Math.min(box[0], x);
      box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x);
      box[3] = Math.max(box[3], y);
    }
  }
  return box;
}

/** Cuts one polygon (outer rings and holes) to one cell. */
function cut(rings, x0, y0, x1, y1) {
  const sink = new RingSink((x) => x, (y) => y);
  const clip = geoIdentity().clipExtent([[x0, y0], [x1, y1]]);
  const coordinates = rings.map((ring) => [...ring, ring[0]]);
  geoPath(clip, sink)({ type: 'Polygon', coordinates });
  return sink.done();
}

function pushVarint(bytes, value) {
  let rest = value >>> 0;
  while (rest > 127) {
    bytes.push((rest & 127) | 128);
    rest >>>= 7;
  }
  bytes.push(rest);
}

function pushZigzag(bytes, value) {
  pushVarint(bytes, (value << 1) ^ (value >> 31));
}

function encodeCell(rings, x0, y0) {
  const bytes = [];
  let points = 0;
  pushVarint(bytes, rings.length);
  for (const ring of rings) {
    pushVarint(bytes, ring.length);
    points += ring.length;
    let [px, py] = [x0, y0];
    for (const [x, y] of ring) {
      pushZigzag(bytes, x - px);
      pushZigzag(bytes, y - py);
      [px, py] = [x, y];
    }
  }
  return { bytes, points };
}

/** Returns the bytes of a land file; `cellDegrees` must divide 360 and 180 evenly. */
export function buildLand(topology, cellDegrees) {
  const [lonPerUnit, latPerUnit] = topology.transform.scale;
  const grid = { lonPerUnit, latPerUnit };
  const width = Math.round(360 / lonPerUnit);
  const height = Math.round(180 / latPerUnit);
  const columns = Math.round(360 / cellDegrees);
  const rows = Math.max(1, Math.round(180 / cellDegrees));
  const unitsX = Math.ceil(width / columns);
  const unitsY = Math.ceil(height / rows);

  const cells = new Map();
  const span = (from, to, units, count) => [Math.floor(from / units),
    Math.min(count - 1, Math.floor(to / units))];
  // In two steps, strips and then cells: the largest polygon would be walked a thousand times otherwise.
  for (const polygon of planarPolygons(topology, grid)) {
    const box = bounds(polygon);
    const [firstRow, lastRow] = span(box[1], box[3], unitsY, rows);
    for (let row = firstRow; row <= lastRow; row++) {
      const y0 = row * unitsY;
      const y1 = Math.min(height, y0 + unitsY);
      const strip = firstRow === lastRow ? polygon : cut(polygon, 0, y0, width, y1);
      if (!strip.length) continue;
      const stripBox = bounds(strip);
      const [firstColumn, lastColumn] = span(stripBox[0], stripBox[2], unitsX, columns);
      for (let column = firstColumn; column <= lastColumn; column++) {
        const x0 = column * unitsX;
        const x1 = Math.min(width, x0 + unitsX);
        const rings = firstColumn === lastColumn ? strip : cut(strip, x0, y0, x1, y1);
        if (!rings.length) continue;
        const key = row * columns + column;
        if (!cells.has(key)) cells.set(key, { column, row, x0, y0, rings: [] });
        cells.get(key).rings.push(...rings);
      }
    }
  }

  const ordered = [...cells.keys()].sort((a, b) => a - b).map((key) => cells.get(key));
  let offset = HEADER_BYTES + ordered.length * 12;
  let points = 0;
  for (const cell of ordered) {
    const encoded = encodeCell(cell.rings, cell.x0, cell.y0);
    cell.bytes = encoded.bytes;
    cell.offset = offset;
    offset += encoded.bytes.length;
    points += encoded.points;
  }

  const out = Buffer.alloc(offset);
  out.write('HYL1', 0, 'latin1');
  let at = 4;
  for (const value of [columns, rows]) at = out.writeUInt32LE(value, at);
  for (const value of [lonPerUnit, latPerUnit, -180, 90]) at = out.writeDoubleLE(value, at);
  for (const value of [unitsX, unitsY, width, height, ordered.length, points]) {
    at = out.writeUInt32LE(value, at);
  }
  for (const cell of ordered) {
    at = out.writeUInt16LE(cell.column, at);
    at = out.writeUInt16LE(cell.row, at);
    at = out.writeUInt32LE(cell.offset, at);
    at = out.writeUInt32LE(cell.bytes.length, at);
    Buffer.from(cell.bytes).copy(out, cell.offset);
  }
  return { data: out, points, cells: ordered.length };
}
