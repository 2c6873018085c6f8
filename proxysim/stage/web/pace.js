// How fast the run's time goes by: at one speed, or at a pace at which each step can be seen.

// A typical request takes so long to watch, in seconds; a short crossing at most so long.
const WATCHED = 3;
const GLIMPSE = 0.5;
// While nothing is under way time goes faster, and a pause never takes longer than this.
const IDLE = 8;
const PAUSE = 0.8;
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
    this.bounds = Float64Array.from(bounds);
    this.walls = new Float64Array(bounds.length);
    walls(high).forEach((seconds, place) => { this.walls[place + 1] = this.walls[place] + seconds; });
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
