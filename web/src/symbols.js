/* SPDX-License-Identifier: MIT */
// The map's symbols. Each shape, colour, size and angle is painted once into an atlas and copied from there:
// drawImage of thousands of vessels costs a fraction of as many paths.

const ANGLES = 72;
const PAGE = 1024;

/** Paths in a box of about -8..8, bow up. */
const SHAPES = {
  arrow(c) {
    c.moveTo(0, -8);
    c.lineTo(5, 7);
    c.lineTo(0, 4.2);
    c.lineTo(-5, 7);
    c.closePath();
  },
  hull(c) {
    c.moveTo(0, -6.5);
    c.quadraticCurveTo(3.4, -3.5, 3.4, 0);
    c.lineTo(3.4, 6);
    c.lineTo(-3.4, 6);
    c.lineTo(-3.4, 0);
    c.quadraticCurveTo(-3.4, -3.5, 0, -6.5);
    c.closePath();
  },
  dot(c) {
    c.arc(0, 0, 4.2, 0, 2 * Math.PI);
  },
  square(c) {
    c.rect(-5, -5, 10, 10);
  },
  diamond(c) {
    c.moveTo(0, -6.5);
    c.lineTo(5.5, 0);
    c.lineTo(0, 6.5);
    c.lineTo(-5.5, 0);
    c.closePath();
  },
  aircraft(c) {
    const half = [[0, -9], [1.5, -6.5], [1.5, -2.2], [8.5, 2], [8.5, 4], [1.5, 1.8], [1.2, 5.6],
      [3.6, 7.4], [3.6, 8.8], [0, 7.8]];
    half.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
    for (const [x, y] of [...half].reverse()) c.lineTo(-x, y);
    c.closePath();
  },
};

function paintDistress(c, colour, halo) {
  for (const [width, style] of [[4.5, halo], [2.2, colour]]) {
    c.lineWidth = width;
    c.strokeStyle = style;
    c.beginPath();
    c.arc(0, 0, 8, 0, 2 * Math.PI);
    c.moveTo(-5.6, -5.6);
    c.lineTo(5.6, 5.6);
    c.moveTo(5.6, -5.6);
    c.lineTo(-5.6, 5.6);
    c.stroke();
  }
}

/** Paints one symbol round the context's origin. `halo` lies behind symbols that are lines only. */
export function paintSymbol(c, shape, colour, { outline, labelHalo: halo }) {
  c.lineJoin = 'round';
  if (shape === 'distress') {
    paintDistress(c, colour, halo);
    return;
  }
  const hollow = shape === 'hollow';
  c.beginPath();
  SHAPES[hollow ? 'diamond' : shape](c);
  c.lineWidth = hollow ? 3.6 : 2;
  c.strokeStyle = hollow ? halo : outline;
  c.stroke();
  if (hollow) {
    c.lineWidth = 1.8;
    c.strokeStyle = colour;
    c.stroke();
  } else {
    c.fillStyle = colour;
    c.fill();
  }
}

const TURNING = new Set(['arrow', 'hull', 'aircraft']);

/** The shape for a vessel of a group. `bearing`: where it points, or null. */
export function shapeOf(vessel, group, bearing, moving) {
  switch (group) {
    case 'base':
      return 'square';
    case 'aton':
      return vessel.virtual ? 'hollow' : 'diamond';
    case 'aircraft':
      return 'aircraft';
    case 'distress':
      return 'distress';
    default:
      if (bearing === null) return 'dot';
      return moving ? 'arrow' : 'hull';
  }
}

export class Atlas {
  constructor(ratio, theme) {
    this.ratio = ratio;
    this.theme = theme;
    this.slot = 2 * Math.ceil(12 * ratio);
    this.perRow = Math.floor(PAGE / this.slot);
    this.sprites = new Map();
    this.pages = [];
    this.used = 0;
  }

  /**
   * The picture of a symbol, painted now if it is new. Ask for all of a frame before the first is drawn: a
   * browser copies the whole page of the atlas each time painting to it and drawing from it take turns.
   */
  sprite(shape, colour, bearing, size) {
    const angle = TURNING.has(shape) && bearing !== null
      ? Math.round((bearing / 360) * ANGLES + ANGLES) % ANGLES : 0;
    const key = `${shape}${colour}${size}/${angle}`;
    return this.sprites.get(key) ?? this.#paint(key, shape, colour, angle, size);
  }

  /**
   * Copies a sprite to a place given in CSS pixels. The context's transform must be the identity. `exact`: at a
   * fraction of a pixel, which glides better and costs more.
   */
  draw(context, sprite, x, y, exact) {
    const { ratio } = this;
    const { size } = sprite;
    const left = x * ratio - size / 2;
    const top = y * ratio - size / 2;
    context.drawImage(sprite.page, sprite.x, sprite.y, size, size, exact ? left : Math.round(left),
      exact ? top : Math.round(top), size, size);
  }

  #paint(key, shape, colour, angle, size) {
    const index = this.used % (this.perRow * this.perRow);
    if (index === 0) {
      const page = document.createElement('canvas');
      page.width = PAGE;
      page.height = PAGE;
      this.pages.push(page);
    }
    this.used += 1;
    const page = this.pages[this.pages.length - 1];
    const sprite = {
      page, x: (index % this.perRow) * this.slot, y: Math.floor(index / this.perRow) * this.slot,
      size: Math.min(this.slot, 2 * Math.ceil(11.5 * size * this.ratio)),
    };
    const c = page.getContext('2d');
    c.save();
    c.translate(sprite.x + sprite.size / 2, sprite.y + sprite.size / 2);
    c.scale(this.ratio * size, this.ratio * size);
    c.rotate((angle / ANGLES) * 2 * Math.PI);
    paintSymbol(c, shape, colour, this.theme);
    c.restore();
    this.sprites.set(key, sprite);
    return sprite;
  }
}
