// Draws a moment of a run: the network, and everything that moves on it.

import {drawIcon, drawRoad, drawZones} from "./backdrop.js";
import {Places, RADIUS} from "./places.js";
import {Shelves} from "./shelf.js";
import {Sprites} from "./marks.js";
import {boutSays} from "./telling.js";
import {upTo} from "./trace.js";
import {fitted, write} from "./words.js";

const GLOW = 0.45; // s that a crossing too short to see leaves a trail
const SIGN = 0.9; // s that a sign stands
const LINE = 0.24; // of the width: a line of those who wait is drawn no longer
const TIGHT = 96, BRIEF = 130; // px: narrower boxes say less
const KINDS = {clients: "clients", forward_proxy: "forward proxy", reverse_proxy: "reverse proxy",
  server: "server", router: "router"};

export class Painter {
  constructor(canvas, trace) {
    this.canvas = canvas;
    this.trace = trace;
    this.shelves = new Shelves(trace);
    this.context = canvas.getContext("2d");
  }

  resize(width, colours) {
    const scale = window.devicePixelRatio || 1;
    this.places = new Places(this.trace, width);
    this.colours = colours;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(this.places.height * scale);
    this.canvas.style.height = `${this.places.height}px`;
    this.scale = scale;
    this.sprites = new Sprites(colours, scale);
    this.backdrop = document.createElement("canvas");
    this.backdrop.width = this.canvas.width;
    this.backdrop.height = this.canvas.height;
    const c = this.backdrop.getContext("2d");
    c.scale(scale, scale);
    drawZones(c, this);
    for (const link of this.trace.data.links) drawRoad(c, link, this);
  }

  // Draw the moment t; wall: seconds of watching; look: {follow, selected, calm}.
  draw(t, pace, look) {
    const c = this.context;
    c.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    c.clearRect(0, 0, this.places.width, this.places.height);
    c.drawImage(this.backdrop, 0, 0, this.places.width, this.places.height);
    const marks = this.trace.marks(t);
    const wall = pace.wall(t);
    this.#events(c, t);
    this.#bodies(c, t, look);
    this.#probes(c, t);
    if (!look.calm) this.#trails(c, t, pace, wall, look);
    this.#nodes(c, t, marks, wall, pace);
    this.spots = this.#spots(marks);
    for (const spot of this.spots) {
      if (!spot.hidden) this.#mark(c, spot, look);
    }
    this.#signs(c, t, pace, wall);
    return marks;
  }

  // Where each mark is drawn: {mark, x, y, r}.
  #spots(marks) {
    const queues = new Map(), rests = new Map();
    for (const mark of marks) {
      if (mark.way.length > 1) continue;
      const key = mark.way[0];
      if (mark.kind === "hold" && mark.step === "queue") push(queues, key, mark);
      else if (mark.step !== "service") push(rests, key, mark);
    }
    for (const line of queues.values()) line.sort((a, b) => a.leg.start - b.leg.start);
    return marks.map((mark) => {
      if (mark.way.length > 1) {
        const side = mark.kind === "shake" ? 0 : this.places.side(mark.request, ...mark.way);
        const [x, y] = this.places.onWay(mark.way, mark.share, side);
        return {mark, x, y, r: mark.kind === "shake" ? RADIUS * 0.9 : RADIUS};
      }
      const icon = mark.way[0], node = this.trace.data.nodes[icon];
      if (mark.step === "service") {
        const seat = this.#seat(icon, mark.leg.seat);
        const r = Math.min(RADIUS, seat.size * 0.46) * (1 - 0.72 * mark.share);
        return {mark, x: seat.x, y: seat.y, r, hidden: seat.hidden};
      }
      const queue = queues.get(icon);
      if (mark.step === "queue" && queue) return {mark, ...this.#inLine(icon, queue.indexOf(mark))};
      if (node.kind === "clients") return {mark, ...this.#atHome(icon, mark)};
      return {mark, ...this.#inside(icon, rests.get(icon).indexOf(mark))};
    });
  }

  #mark(c, {mark, x, y, r}, look) {
    const off = look.follow !== null && this.trace.client(mark.request) !== look.follow;
    if (off) c.globalAlpha = 0.16;
    const state = mark.kind === "shake" ? "shake" : mark.state;
    this.sprites.draw(c, state, x, y, r);
    if (mark.request === look.selected) {
      c.strokeStyle = this.colours.ink;
      c.lineWidth = 2;
      c.beginPath();
      c.arc(x, y, r + 5, 0, 7);
      c.stroke();
    }
    c.globalAlpha = 1;
  }

  #seat(icon, seat) {
    const node = this.trace.data.nodes[icon], box = this.places.boxes[icon];
    const workers = (node.workers || 1) * node.count;
    const columns = Math.min(8, workers);
    const size = Math.min(15, (box.w - 18) / columns);
    const rows = Math.max(1, Math.floor((box.h - 46) / size));
    const row = Math.floor(seat / columns);
    const x = box.x + box.w / 2 + (seat % columns - (columns - 1) / 2) * size;
    return {x, y: box.y + 44 + (row + 0.5) * size, size, hidden: row >= rows || workers > columns * rows};
  }

  #inLine(icon, rank) {
    const box = this.places.boxes[icon];
    const gap = RADIUS * 1.9;
    if (this.places.upright) {
      const deep = 5, place = Math.floor(rank / deep);
      const hidden = place >= Math.floor(box.w / gap);
      return {x: box.x + box.w - 8 - place * gap, y: box.y - 9 - (rank % deep) * gap, r: RADIUS, hidden};
    }
    const line = Math.max(2, Math.floor((box.h - 8) / gap)), place = Math.floor(rank / line);
    const hidden = place * gap > this.places.width * LINE;
    return {x: box.x - 10 - place * gap, y: box.y + box.h - 10 - (rank % line) * gap, r: RADIUS, hidden};
  }

  #atHome(icon, mark) {
    const box = this.places.boxes[icon], lane = this.trace.lane[mark.request];
    if (this.places.upright) return {x: box.x + box.w * (0.5 + 0.42 * lane), y: box.y + box.h - 9, r: RADIUS * 0.85};
    return {x: box.x + box.w - 11, y: box.y + 48 + (box.h - 62) * (1 + lane) / 2, r: RADIUS * 0.85};
  }

  #inside(icon, rank) {
    const box = this.places.boxes[icon], gap = RADIUS * 1.9;
    const columns = Math.max(1, Math.floor((box.w - 14) / gap)), rows = 2;
    const place = Math.min(rank, columns * rows - 1);
    return {
      x: box.x + 12 + (place % columns) * gap,
      y: box.y + box.h - 11 - Math.floor(place / columns) * gap, r: RADIUS,
    };
  }

  // What is always there, in its present state.

  #nodes(c, t, marks, wall, pace) {
    const busy = new Map(), waiting = new Map();
    for (const mark of marks) {
      if (mark.step === "service") busy.set(mark.way[0], (busy.get(mark.way[0]) || 0) + 1);
      else if (mark.kind === "hold" && mark.step !== "cpu") waiting.set(mark.way[0], (waiting.get(mark.way[0]) || 0) + 1);
    }
    const shelves = this.shelves.at(t);
    this.trace.data.nodes.forEach((node, icon) => {
      const box = this.places.boxes[icon];
      const down = this.trace.data.events.some((event) =>
        event.icons.length === 1 && event.icons[0] === icon && event.at <= t && t < (event.until ?? event.at + 0.05) && /down|restart|silent/.test(event.label));
      c.beginPath();
      c.roundRect(box.x, box.y, box.w, box.h, node.kind === "clients" ? 18 : 9);
      c.fillStyle = this.colours.card;
      c.fill();
      const measured = this.trace.measured(icon, t);
      const share = measured ? measured.utilisation : (busy.get(icon) || 0) / ((node.workers || 1) * node.count);
      if (node.kind === "server") this.#fill(c, box, share);
      const away = node.kind === "server" ? this.trace.away(icon, t) : "";
      c.lineWidth = 1.6;
      c.strokeStyle = down || away ? this.colours.blocked : this.colours.kinds[node.kind] || this.colours.border;
      if (down || away) c.setLineDash([4, 4]);
      c.beginPath();
      c.roundRect(box.x, box.y, box.w, box.h, node.kind === "clients" ? 18 : 9);
      c.stroke();
      c.setLineDash([]);
      const tight = box.w < TIGHT, left = tight ? 8 : 31, room = box.w - left - 7;
      if (!tight) drawIcon(c, node.kind, box.x + 17, box.y + 19, this.colours);
      const name = fitted(c, node.name, room, 13, 700);
      write(c, name, box.x + left, box.y + 18, {size: 13, colour: this.colours.ink, weight: 700});
      const state = [down ? "down" : "", away ? "left out" : ""].filter(Boolean);
      const line = state.length ? (tight ? state[state.length - 1] : state.join(", ")) : this.#line(node, box.w);
      write(c, fitted(c, line, room, 10.5, 400), box.x + left, box.y + 32,
        {size: 10.5, colour: state.length ? this.colours.blocked : this.colours.faint});
      if (node.kind === "server") {
        this.#workers(c, node, icon, busy.get(icon) || 0);
        this.#sent(c, node, icon, t);
      }
      if (shelves.has(icon)) this.#shelf(c, shelves.get(icon), box, wall, pace);
      const inLine = measured ? Math.round(measured.queue) : waiting.get(icon) || 0;
      if (inLine > 3 && node.kind === "server") {
        write(c, `${inLine} wait`, this.places.upright ? box.x + box.w - 6 : box.x - 6, this.places.upright ? box.y + box.h + 13 : box.y - 4,
          {size: 11, weight: 700, colour: this.colours.blocked, align: "right"});
      }
    });
  }

  #line(node, width) {
    if (node.kind === "clients") return node.count === 1 ? "1 client" : `${node.count.toLocaleString("en")} clients`;
    if (node.kind === "server") {
      const workers = `${node.count > 1 ? `${node.count} × ` : ""}${node.workers || 1} worker${node.workers === 1 ? "" : "s"}`;
      if (!node.speed || node.speed === 1) return workers;
      return width < BRIEF ? `speed ${node.speed}` : `speed ${node.speed}, ${workers}`;
    }
    return (width < BRIEF && node.kind.endsWith("_proxy") ? "proxy" : KINDS[node.kind]) || node.kind;
  }

  #fill(c, box, share) {
    if (!(share > 0)) return;
    c.save();
    c.beginPath();
    c.roundRect(box.x, box.y, box.w, box.h, 9);
    c.clip();
    const h = box.h * Math.min(1, share);
    c.fillStyle = share > 0.95 ? this.colours.full : this.colours.busy;
    c.fillRect(box.x, box.y + box.h - h, box.w, h);
    c.restore();
  }

  #workers(c, node, icon, busy) {
    const workers = (node.workers || 1) * node.count;
    if (this.#seat(icon, workers - 1).hidden) {
      const box = this.places.boxes[icon];
      write(c, `${busy} of ${workers} busy`, box.x + box.w / 2, box.y + 54, {size: 11, colour: this.colours.ink, align: "center"});
      return;
    }
    c.strokeStyle = this.colours.slot;
    c.lineWidth = 1;
    for (let seat = 0; seat < workers; seat++) {
      const {x, y, size} = this.#seat(icon, seat);
      c.strokeRect(x - size / 2 + 1, y - size / 2 + 1, size - 2, size - 2);
    }
  }

  // How many requests it has been sent so far, where there is room to say it.
  #sent(c, node, icon, t) {
    const box = this.places.boxes[icon], last = this.#seat(icon, (node.workers || 1) * node.count - 1);
    const sent = this.trace.sentTo(icon, t).toLocaleString("en");
    if (!last.hidden && last.y + last.size / 2 > box.y + box.h - 17) return;
    write(c, fitted(c, box.w < TIGHT ? `${sent} sent` : `${sent} sent here`, box.w - 16, 10.5, 400), box.x + box.w / 2, box.y + box.h - 7,
      {size: 10.5, colour: this.colours.faint, align: "center"});
  }

  // Health probes: small, and on the middle of the road.
  #probes(c, t) {
    for (const {start, end, way} of this.trace.probing(t)) {
      if (way.length < 2) continue;
      const [x, y] = this.places.onWay(way, (t - start) / (end - start || 1), 0);
      this.sprites.draw(c, "probe", x, y, RADIUS * 0.8);
    }
  }

  #shelf(c, shelf, box, wall, pace) {
    const size = 9, gap = 2;
    const columns = Math.floor((box.w - 20) / (size + gap));
    const top = box.y + 42, rows = Math.max(0, Math.floor((box.h - 42 - 46) / (size + gap)));
    const pages = [...shelf.values()].reverse();
    pages.slice(0, columns * rows).forEach((page, place) => {
      const x = box.x + 10 + (place % columns) * (size + gap), y = top + Math.floor(place / columns) * (size + gap);
      const colour = this.colours.sites[page.site % this.colours.sites.length];
      const lit = page.hitAt >= 0 ? Math.max(0, 1 - (wall - pace.wall(page.hitAt)) / SIGN) : 0;
      c.fillStyle = c.strokeStyle = colour;
      const used = page.hitAt >= 0;
      c.globalAlpha = used ? 0.9 : 0.5;
      if (used) c.fillRect(x, y, size, size);
      else c.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
      c.globalAlpha = 1;
      if (lit > 0) {
        c.strokeStyle = this.colours.hit;
        c.lineWidth = 2.5 * lit + 0.5;
        c.strokeRect(x - 1.5, y - 1.5, size + 3, size + 3);
        c.lineWidth = 1;
      }
    });
    const kept = pages.filter((page) => page.hitAt >= 0).length;
    const text = pages.length ? `${pages.length.toLocaleString("en")} ${this.shelves.exact ? "kept" : "seen"}, ${kept} reused` : "cache: empty";
    write(c, fitted(c, text, box.w - 14, 10.5, 400), box.x + 10, box.y + box.h - 36, {size: 10.5, colour: this.colours.faint});
  }

  #events(c, t) {
    for (const event of this.trace.data.events) {
      const until = event.until ?? event.at + 0.05;
      if (t < event.at || t >= until || event.icons.length !== 2) continue;
      const [a, b] = event.icons;
      const [x0, y0] = this.places.gate(a, b), [x1, y1] = this.places.gate(b, a);
      c.strokeStyle = this.colours.blocked;
      c.globalAlpha = 0.25;
      c.lineWidth = this.places.breadth(a, b);
      c.beginPath();
      c.moveTo(x0, y0);
      c.lineTo(x1, y1);
      c.stroke();
      c.globalAlpha = 1;
      write(c, event.label, (x0 + x1) / 2, (y0 + y1) / 2, {size: 11, weight: 700, colour: this.colours.blocked, align: "center"});
    }
  }

  // What of a body is on a link: from its last byte to its first.
  #bodies(c, t, look) {
    c.lineCap = "round";
    for (const n of this.trace.underWay(t)) {
      for (const leg of this.trace.legs[n]) {
        if (leg.kind !== "back" || leg.start > t || t >= leg.tail || !(leg.tail > leg.end)) continue;
        const crossing = leg.end - leg.start;
        const first = Math.min(1, crossing > 0 ? (t - leg.start) / crossing : 1);
        const last = Math.max(0, crossing > 0 ? 1 - (leg.tail - t) / crossing : 0);
        this.#streak(c, leg, Math.min(first, last), first, 0.38, look, 3);
      }
    }
  }

  // What crossed a moment ago, faster than eyes can follow.
  #trails(c, t, pace, wall, look) {
    c.lineCap = "round";
    const since = upTo(this.trace.ends, pace.time(wall - GLOW)), until = upTo(this.trace.ends, t);
    for (let place = Math.max(since, until - 90); place < until; place++) {
      const leg = this.trace.byEnd[place];
      if (leg.kind !== "go" && leg.kind !== "back") continue;
      const seen = pace.wall(leg.end) - pace.wall(leg.start);
      if (seen > 0.3) continue;
      const fade = 1 - (wall - pace.wall(leg.end)) / GLOW;
      this.#streak(c, leg, 0, 1, 0.5 * fade, look, 2.5);
    }
  }

  #streak(c, leg, from, to, alpha, look, width) {
    if (look.follow !== null && this.trace.client(leg.request) !== look.follow) return;
    const [a, b] = leg.way, side = this.places.side(leg.request, a, b);
    const state = leg.kind === "back" ? this.trace.fates[leg.request] : leg.sealed ? "sealed" : "plain";
    const [x0, y0] = this.places.along(a, b, from, side), [x1, y1] = this.places.along(a, b, to, side);
    c.globalAlpha = Math.max(0, alpha);
    c.strokeStyle = this.colours[state];
    c.lineWidth = width;
    c.beginPath();
    c.moveTo(x0, y0);
    c.lineTo(x1, y1);
    c.stroke();
    c.globalAlpha = 1;
  }

  // Signs over nodes for what was just answered, turned away, or dropped there.
  #signs(c, t, pace, wall) {
    const {incidents, incidentsAt} = this.trace;
    const since = upTo(incidentsAt, pace.time(wall - SIGN)), until = upTo(incidentsAt, t);
    const told = new Map();
    for (let place = Math.max(since, until - 12); place < until; place++) {
      const {at, kind, icon, request} = incidents[place];
      told.set(icon, place);
      const age = Math.min(1, Math.max(0, (wall - pace.wall(at)) / SIGN));
      const [x, y] = this.places.middle(icon), box = this.places.boxes[icon];
      c.globalAlpha = 1 - age * age;
      if (kind === "dropped") {
        this.sprites.draw(c, "failed", x + 20 * age * this.trace.lane[request], box.y + box.h + 6 + 60 * age * age, RADIUS * (1.2 - 0.5 * age));
      } else if (kind === "unwell") {
        this.sprites.draw(c, "probe", box.x - 2, y - 6, RADIUS);
        this.sprites.draw(c, "failed", box.x - 2, y + 8, RADIUS);
      } else if (kind === "out" || kind === "back") {
        c.strokeStyle = kind === "out" ? this.colours.blocked : this.colours.hit;
        c.lineWidth = 3 * (1 - age) + 0.5;
        c.strokeRect(box.x - 3 - 5 * age, box.y - 3 - 5 * age, box.w + 6 + 10 * age, box.h + 6 + 10 * age);
      } else if (kind === "blocked") {
        this.sprites.draw(c, "blocked", x, y + 10, 15 + 5 * age);
      } else {
        c.strokeStyle = this.colours.hit;
        c.lineWidth = 3 * (1 - age) + 0.5;
        c.beginPath();
        c.roundRect(box.x - 3 - 7 * age, box.y - 3 - 7 * age, box.w + 6 + 14 * age, box.h + 6 + 14 * age, 12);
        c.stroke();
      }
      c.globalAlpha = 1;
    }
    for (const [icon, place] of told) this.#caption(c, incidents[place], icon);
  }

  // In words, below the node, what the latest of its signs means.
  #caption(c, incident, icon) {
    const {kind, request} = incident, box = this.places.boxes[icon];
    const words = {blocked: "blocked: ", hit: "from the cache: ", stale: "out of date, from the cache: ", out: "", back: "", unwell: ""}[kind];
    if (words === undefined) return;
    const width = Math.min(this.places.width - 20, 330);
    const text = fitted(c, words ? words + this.trace.url(request) : boutSays(this.trace, incident), width, 12, 600);
    const half = Math.min(width, c.measureText(text).width) / 2 + 6;
    const x = Math.min(this.places.width - half, Math.max(half, box.x + box.w / 2)), y = box.y + box.h + 9;
    c.fillStyle = this.colours.paper;
    c.beginPath();
    c.roundRect(x - half - 2, y - 1, 2 * half + 4, 19, 9);
    c.fill();
    write(c, text, x, y + 13, {size: 12, weight: 600, align: "center", colour: ["blocked", "out", "unwell"].includes(kind) ? this.colours.blocked : this.colours.hit});
  }
}

function push(map, key, value) {
  if (map.has(key)) map.get(key).push(value); else map.set(key, [value]);
}
