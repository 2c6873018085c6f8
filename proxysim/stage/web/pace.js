// How fast the run's time goes by: at one speed, or at a pace of its own. That one begins so slowly
// that each step can be seen; what would then take too long is told faster and faster, but slowly
// again around the scenario's events.

// A typical request takes so long to watch, in seconds; a short crossing at most so long.
const WATCHED = 3;
const GLIMPSE = 0.5;
// While nothing is under way time goes faster, and a pause never takes longer than this.
const IDLE = 8;
const PAUSE = 0.8;
// A run is told in so many seconds, of which the beginning has so many, and each event.
const TOLD_IN = 36;
const OPENING = 13;
const EVENT = 4;
const EVENTS = 3;
const PIECES = 48; // of a stretch that is told faster and faster
// Short crossings may make the whole so many times longer, no more.
const STRETCH = 2.2;

export class Pace {
  // speed: run seconds a second, or null for a pace of its own, found from the traces.
  constructor(traces, speed) {
    const until = Math.max(0, ...traces.map((trace) => trace.until));
    const gaps = pauses(traces, until);
    const steady = speed === null ? WATCHED / typical(traces) : 1 / speed;
    let crossings = [];
    if (speed === null) {
      crossings = traces.flatMap((trace) => trace.all)
        .filter((leg) => (leg.kind === "go" || leg.kind === "back") && leg.end > leg.start)
        .map((leg) => ({start: leg.start, end: leg.end, need: 1 / (leg.end - leg.start)}))
        .filter((leg) => leg.need > steady / GLIMPSE);
    }
    const {bounds, needs} = painted(crossings, gaps, until);
    const begins = new Set(gaps.map((gap) => gap.start));
    const idle = bounds.map((bound) => begins.has(bound));
    const walls = (dwell) => needs.map((need, place) => {
      const length = bounds[place + 1] - bounds[place];
      if (!idle[place]) return length * Math.max(steady, dwell * need);
      return Math.min(PAUSE, length * (speed === null ? steady / IDLE : steady));
    });
    let low = 0, high = GLIMPSE;
    const most = STRETCH * sum(walls(0));
    if (crossings.length && sum(walls(high)) > most) {
      for (let turn = 0; turn < 30; turn++) {
        const middle = (low + high) / 2;
        if (sum(walls(middle)) > most) high = middle; else low = middle;
      }
    }
    this.speed = speed;
    this.#lay(bounds, walls(high));
    if (speed === null && this.length > TOLD_IN) this.#hasten(traces);
  }

  #lay(bounds, seconds) {
    this.bounds = Float64Array.from(bounds);
    this.walls = new Float64Array(bounds.length);
    seconds.forEach((wall, place) => { this.walls[place + 1] = this.walls[place] + wall; });
  }

  // Seconds of watching in all.
  get length() {
    return this.walls[this.walls.length - 1];
  }

  // Tell the beginning and what is about events as slowly as before, and the rest the faster the
  // farther it is from them, so that the whole takes TOLD_IN seconds.
  #hasten(traces) {
    const until = this.bounds[this.bounds.length - 1];
    const events = [...new Set(traces.flatMap((trace) => trace.data.events.map((event) => event.at)))]
      .filter((at) => at > 0 && at < until).sort((a, b) => a - b).slice(0, EVENTS);
    const slow = [[0, this.time(OPENING)], ...events.map((at) => {
      const wall = this.wall(at);
      return [this.time(wall - EVENT / 4), this.time(wall + (3 * EVENT) / 4)];
    })];
    const far = (t) => Math.min(...slow.map(([from, to]) => Math.max(0, from - t, t - to)));
    const edges = slow.flat().filter((t) => t > 0 && t < until).sort((a, b) => a - b);
    const fine = [...edges, until].flatMap((to, place) => {
      const from = place ? edges[place - 1] : 0, middle = (from + to) / 2;
      const steps = Array.from({length: PIECES}, (_, k) => (middle - from) * 2 ** (k / 3 - PIECES / 3));
      return [...steps.map((step) => from + step), ...steps.map((step) => to - step)];
    });
    const bounds = [...new Set([...this.bounds, ...edges, ...fine])].sort((a, b) => a - b);
    const plain = bounds.slice(1).map((bound, place) => this.wall(bound) - this.wall(bounds[place]));
    const away = bounds.slice(1).map((bound, place) => far((bound + bounds[place]) / 2));
    const hastened = (rate) => plain.map((wall, place) => wall / (1 + rate * away[place]));
    let low = 0, high = 1e6 / until;
    for (let turn = 0; turn < 60; turn++) {
      const middle = low ? Math.sqrt(low * high) : 1e-3 / until;
      if (sum(hastened(middle)) > TOLD_IN) low = middle; else high = middle;
    }
    this.#lay(bounds, hastened(high));
  }

  // Seconds of watching that lead to the run's time t, and back.
  wall(t) {
    return between(this.bounds, this.walls, t);
  }

  time(wall) {
    return between(this.walls, this.bounds, wall);
  }

  // Run seconds a second at t.
  rate(t) {
    const wall = this.wall(t);
    return (this.time(wall + 0.02) - this.time(wall)) / 0.02;
  }
}

// The most urgent need at each moment: the shortest crossing paints first.
function painted(spans, gaps, until) {
  const bounds = [...new Set([0, until, ...[...spans, ...gaps].flatMap((span) => [span.start, span.end])])]
    .sort((a, b) => a - b);
  const place = new Map(bounds.map((bound, index) => [bound, index]));
  const needs = new Array(bounds.length - 1).fill(0);
  const next = Int32Array.from({length: bounds.length + 1}, (_, index) => index);
  const free = (index) => {
    while (next[index] !== index) index = next[index] = next[next[index]];
    return index;
  };
  for (const span of spans.sort((a, b) => b.need - a.need)) {
    const last = place.get(span.end);
    for (let index = free(place.get(span.start)); index < last; index = free(index)) {
      needs[index] = span.need;
      next[index] = index + 1;
    }
  }
  return {bounds, needs};
}

// Stretches in which nothing is under way.
function pauses(traces, until) {
  const stays = traces.flatMap((trace) => [...trace.at].map((at, n) => [at, trace.last[n]]))
    .sort((a, b) => a[0] - b[0]);
  const found = [];
  let busy = 0;
  for (const [at, last] of [...stays, [until, until]]) {
    if (at > busy) found.push({start: busy, end: at});
    busy = Math.max(busy, last);
  }
  return found;
}

// How long a slow but not unusual request takes.
function typical(traces) {
  const latencies = traces.flatMap((trace) => [...trace.end].map((end, n) => end - trace.at[n]))
    .filter((latency) => latency > 0 && latency < Infinity).sort((a, b) => a - b);
  return latencies[Math.floor(0.8 * latencies.length)] || 0.1;
}

function between(from, to, value) {
  if (value <= from[0]) return to[0];
  const last = from.length - 1;
  if (value >= from[last]) return to[last];
  let low = 0, high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= value) low = middle; else high = middle;
  }
  const width = from[high] - from[low];
  return width > 0 ? to[low] + (to[high] - to[low]) * (value - from[low]) / width : to[high];
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
