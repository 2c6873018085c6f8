// Charts that run along with the clock, of the requests on the page.

import {upTo} from "./trace.js";
import {duration} from "./words.js";

const POINTS = 180;
const WINDOW = 1 / 10; // of the time that is shown
const HEIGHT = 104;

const percent = (value) => Number.isFinite(value) ? `${(100 * value).toFixed(0)} %` : "–";
const whole = (value) => Number.isFinite(value) ? value.toFixed(0) : "–";

// What is drawn: for one run several lines, for two the same line of each.
export function chartsOf(traces, labels) {
  const since = Math.min(...traces.map((trace) => trace.since));
  const until = Math.max(...traces.map((trace) => trace.until));
  // The last is the end itself, not a rounding before it: something has ended just then.
  const times = Float64Array.from({length: POINTS + 1},
    (_, k) => (k < POINTS ? since + ((until - since) * k) / POINTS : until));
  const series = traces.map((trace) => seriesOf(trace, times));
  const pair = (key) => series.map((found, pane) => ({label: labels[pane], values: found[key]}));
  const charts = [];
  if (traces.length > 1) {
    charts.push({title: "95 of 100 answers took less than", unit: duration, lines: pair("p95")});
    charts.push({title: "Mean latency so far, and the difference", unit: duration, lines: pair("mean"), difference: true});
  } else {
    charts.push({title: "Latency of answers, a moving window", unit: duration, lines: [
      {label: "half took less", values: series[0].p50}, {label: "95 % took less", values: series[0].p95}]});
  }
  if (traces.some((trace) => trace.data.nodes.some((node) => node.cache))) {
    charts.push({title: "Answered from a cache, a moving window", unit: percent, top: 1, lines: traces.length > 1 ? pair("hits")
      : [{label: "hit ratio", values: series[0].hits}]});
  }
  if (traces.length > 1) {
    charts.push({title: "Under way at the server with most", unit: whole, lines: pair("most")});
  } else if (series[0].loads.length > 1) {
    charts.push({title: "Under way at each server", unit: whole, lines: series[0].loads.slice(0, 8)});
  }
  const lost = traces.length > 1 ? pair("lost")
    : [{label: "blocked", values: series[0].blocked}, {label: "failed or refused", values: series[0].failed}];
  if (lost.some((line) => line.values[POINTS] > 0)) {
    charts.push({title: "Turned away or lost so far", unit: whole, lines: lost});
  }
  return {times, charts};
}

function seriesOf(trace, times) {
  const window = (times[times.length - 1] - times[0]) * WINDOW;
  const ok = trace.finished.filter((n) => trace.outcome(n) === "ok");
  const okAt = Float64Array.from(ok, (n) => trace.end[n]);
  const took = ok.map((n) => trace.end[n] - trace.at[n]);
  const sums = new Float64Array(ok.length + 1);
  took.forEach((latency, place) => { sums[place + 1] = sums[place] + latency; });
  const each = (value) => Float64Array.from(times, value);
  const quantile = (share) => each((t) => {
    const sorted = took.slice(upTo(okAt, t - window), upTo(okAt, t)).sort((a, b) => a - b);
    if (!sorted.length) return NaN;
    const place = share * (sorted.length - 1), low = Math.floor(place);
    return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  });
  const asked = trace.finished.filter((n) => !["none", "bypass"].includes(trace.cacheOf(n)));
  const askedAt = Float64Array.from(asked, (n) => trace.end[n]);
  const hits = new Float64Array(asked.length + 1);
  asked.forEach((n, place) => {
    hits[place + 1] = hits[place] + (["hit", "stale"].includes(trace.cacheOf(n)) ? 1 : 0);
  });
  const ended = (outcomes) => {
    const at = Float64Array.from(trace.finished.filter((n) => outcomes.includes(trace.outcome(n))), (n) => trace.end[n]);
    return each((t) => upTo(at, t));
  };
  const loads = loadsOf(trace, times);
  return {
    p50: quantile(0.5), p95: quantile(0.95),
    mean: each((t) => sums[upTo(okAt, t)] / upTo(okAt, t)),
    hits: each((t) => {
      const low = upTo(askedAt, t - window), high = upTo(askedAt, t);
      return (hits[high] - hits[low]) / (high - low);
    }),
    blocked: ended(["blocked"]),
    failed: ended(["failed", "rejected", "timed_out"]),
    lost: ended(["blocked", "failed", "rejected", "timed_out"]),
    loads,
    most: times.map((_, k) => Math.max(0, ...loads.map((load) => load.values[k]))),
  };
}

// Requests on their way to, in, or on their way back from each server.
function loadsOf(trace, times) {
  const icons = trace.data.nodes.map((node, icon) => [node, icon]).filter(([node]) => node.kind === "server");
  return icons.map(([node, icon]) => {
    const starts = [], ends = [];
    for (const legs of trace.legs) {
      const mine = legs.filter((leg) => leg.kind === "go" ? leg.way[1] === icon
        : leg.kind === "shake" ? false : leg.way[0] === icon);
      if (!mine.length) continue;
      starts.push(Math.min(...mine.map((leg) => leg.start)));
      ends.push(Math.max(...mine.map((leg) => leg.tail)));
    }
    const from = Float64Array.from(starts).sort(), to = Float64Array.from(ends).sort();
    return {label: node.name, values: Float64Array.from(times, (t) => upTo(from, t) - upTo(to, t))};
  });
}

export class Chart {
  constructor(chart, times) {
    this.chart = chart;
    this.times = times;
    this.root = document.createElement("figure");
    const title = document.createElement("figcaption");
    title.textContent = chart.title;
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.key = document.createElement("p");
    this.key.className = "key";
    this.values = chart.lines.map((line, place) => {
      const item = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.className = `swatch line-${place % 8}`;
      const value = document.createElement("b");
      item.append(swatch, `${line.label} `, value);
      this.key.append(item);
      return value;
    });
    this.root.append(title, this.canvas, this.key);
    const finite = chart.lines.flatMap((line) => [...line.values]).filter(Number.isFinite);
    this.top = chart.top || Math.max(0, ...finite) * 1.08 || 1;
  }

  // Asked for seldom: to measure makes the browser lay out the page.
  resize() {
    this.width = this.canvas.clientWidth || 260;
    this.scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.width * this.scale);
    this.canvas.height = Math.round(HEIGHT * this.scale);
  }

  draw(t, colours) {
    const {width, scale} = this, height = HEIGHT;
    const c = this.canvas.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.clearRect(0, 0, width, height);
    const {times, chart} = this, last = times.length - 1;
    const left = 46, right = width - 4, bottom = height - 14, up = 8;
    const x = (time) => left + ((right - left) * (time - times[0])) / (times[last] - times[0] || 1);
    const y = (value) => bottom - ((bottom - up) * value) / this.top;
    c.strokeStyle = colours.grid;
    c.lineWidth = 1;
    for (const share of [0, 0.5, 1]) {
      c.beginPath();
      c.moveTo(left, y(this.top * share));
      c.lineTo(right, y(this.top * share));
      c.stroke();
    }
    c.fillStyle = colours.faint;
    c.font = "10px system-ui, sans-serif";
    c.textAlign = "right";
    c.fillText(chart.unit(this.top), left - 5, up + 4);
    c.fillText("0", left - 5, bottom + 3);
    c.fillText(duration(times[last]), right, height - 3);
    c.textAlign = "left";
    c.fillText(times[0] < 0.02 * times[last] ? "0 s" : duration(times[0]), left, height - 3);
    const now = Math.min(last, Math.max(0, upTo(times, t) - 1));
    if (chart.difference && chart.lines.length === 2) this.#between(c, x, y, now, colours);
    chart.lines.forEach((line, place) => {
      c.strokeStyle = colours.lines[place % colours.lines.length];
      c.setLineDash([[], [6, 3], [2, 2.5], [8, 2, 2, 2]][place % 4]);
      c.lineWidth = 1.8;
      c.beginPath();
      let drawn = false;
      for (let k = 0; k <= now; k++) {
        const value = line.values[k];
        if (!Number.isFinite(value)) { drawn = false; continue; }
        c[drawn ? "lineTo" : "moveTo"](x(times[k]), y(value));
        drawn = true;
      }
      c.stroke();
      c.setLineDash([]);
      let text = chart.unit(line.values[now]);
      const gap = line.values[now] - chart.lines[0].values[now];
      if (chart.difference && place === 1 && Number.isFinite(gap)) text += ` (${gap < 0 ? "−" : "+"}${chart.unit(Math.abs(gap))})`;
      if (this.values[place].textContent !== text) this.values[place].textContent = text;
    });
    c.strokeStyle = colours.ink;
    c.globalAlpha = 0.35;
    c.beginPath();
    c.moveTo(x(Math.min(times[last], Math.max(times[0], t))), up);
    c.lineTo(x(Math.min(times[last], Math.max(times[0], t))), bottom);
    c.stroke();
    c.globalAlpha = 1;
  }

  #between(c, x, y, now, colours) {
    const [one, other] = this.chart.lines.map((line) => line.values);
    c.fillStyle = colours.lines[1];
    c.globalAlpha = 0.16;
    c.beginPath();
    const shown = [];
    for (let k = 0; k <= now; k++) if (Number.isFinite(one[k]) && Number.isFinite(other[k])) shown.push(k);
    shown.forEach((k, place) => c[place ? "lineTo" : "moveTo"](x(this.times[k]), y(one[k])));
    shown.reverse().forEach((k) => c.lineTo(x(this.times[k]), y(other[k])));
    c.fill();
    c.globalAlpha = 1;
  }
}
