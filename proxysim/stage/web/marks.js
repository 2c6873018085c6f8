// What marks look like: a shape and a colour for each state, drawn once and then copied.

export const STATES = {
  plain: ["request", "a request, readable on the way"],
  sealed: ["encrypted request", "a request over TLS: nobody on the way can read it"],
  retried: ["tried again", "asked for again, of somebody else"],
  hit: ["hit", "answered from a cache"],
  stale: ["stale hit", "answered from a cache, though out of date"],
  miss: ["miss", "the cache had to ask for it"],
  answer: ["answer", "an answer with no cache in between"],
  blocked: ["blocked", "turned away by a rule"],
  failed: ["failed", "an error, a refusal, or no answer"],
  left: ["nobody waits", "work that goes on though the client has gone"],
  probe: ["health probe", "a proxy asks a server whether it is well"],
  shake: ["handshake", "a connection is being opened (TCP, TLS): there and back"],
};

const PATHS = {
  plain: (c, r) => c.arc(0, 0, r * 0.86, 0, 7),
  sealed: (c, r) => polygon(c, r * 1.02, 6, 0),
  retried: (c, r) => c.arc(0, 0, r * 0.86, 0, 7),
  hit: (c, r) => polygon(c, r * 1.15, 4, Math.PI / 2),
  stale: (c, r) => polygon(c, r * 1.15, 4, Math.PI / 2),
  miss: (c, r) => polygon(c, r * 1.15, 3, -Math.PI / 2),
  answer: (c, r) => c.rect(-r * 0.75, -r * 0.75, r * 1.5, r * 1.5),
  blocked: (c, r) => polygon(c, r * 1.1, 8, Math.PI / 8),
  failed: (c, r) => cross(c, r),
  left: (c, r) => c.arc(0, 0, r * 0.75, 0, 7),
  probe: (c, r) => plus(c, r * 0.75),
  shake: (c, r) => c.arc(0, 0, r * 0.6, 0, 7),
};
const HOLLOW = new Set(["stale", "left", "shake"]);

function polygon(c, r, corners, turn) {
  for (let k = 0; k < corners; k++) {
    const angle = turn + (2 * Math.PI * k) / corners;
    c[k ? "lineTo" : "moveTo"](r * Math.cos(angle), r * Math.sin(angle));
  }
  c.closePath();
}

function cross(c, r) {
  c.save();
  c.rotate(Math.PI / 4);
  plus(c, r);
  c.restore();
}

function plus(c, r) {
  const a = r * 0.9, b = r * 0.3;
  c.rect(-a, -b, 2 * a, 2 * b);
  c.rect(-b, -a, 2 * b, 2 * a);
}

export function paintMark(c, state, r, colours) {
  const colour = colours[state] || colours.plain;
  c.lineJoin = "round";
  c.beginPath();
  PATHS[state](c, r);
  if (HOLLOW.has(state)) {
    c.fillStyle = colours.paper;
    c.fill();
    c.strokeStyle = colour;
    c.lineWidth = r * (state === "shake" ? 0.28 : 0.36);
    c.stroke();
    return;
  }
  c.strokeStyle = colours.paper;
  c.lineWidth = r * 0.42;
  c.stroke();
  c.fillStyle = colour;
  c.fill();
  c.fillStyle = c.strokeStyle = colours.paper;
  c.beginPath();
  if (state === "sealed") {
    c.arc(0, -r * 0.14, r * 0.26, 0, 7);
    c.rect(-r * 0.12, -r * 0.1, r * 0.24, r * 0.56);
    c.fill();
  } else if (state === "blocked") {
    c.rect(-r * 0.62, -r * 0.17, r * 1.24, r * 0.34);
    c.fill();
  } else if (state === "retried") {
    c.lineWidth = r * 0.24;
    c.arc(0, 0, r * 0.42, 0.6, 5.4);
    c.stroke();
  }
}

export class Sprites {
  constructor(colours, scale) {
    this.colours = colours;
    this.scale = scale;
    this.made = new Map();
  }

  draw(c, state, x, y, r) {
    const size = Math.max(2, Math.round(r * 2) / 2);
    const key = state + size;
    let sprite = this.made.get(key);
    if (!sprite) {
      const width = Math.ceil(size * 3.2 * this.scale);
      sprite = document.createElement("canvas");
      sprite.width = sprite.height = width;
      const inner = sprite.getContext("2d");
      inner.setTransform(this.scale, 0, 0, this.scale, width / 2, width / 2);
      paintMark(inner, state, size, this.colours);
      this.made.set(key, sprite);
    }
    const side = sprite.width / this.scale;
    c.drawImage(sprite, x - side / 2, y - side / 2, side, side);
  }
}
