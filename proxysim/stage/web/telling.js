// What happens, in words: for screen readers, and for everybody.

import {duration} from "./words.js";

const NAMED = 6; // of those under way

// What became of a request.
export function sentence(trace, n) {
  const took = duration(trace.end[n] - trace.at[n]), by = trace.servedBy(n);
  switch (trace.fates[n]) {
    case "hit": return `from the cache of ${by}, in ${took}`;
    case "stale": return `out of date, but at once, from ${by}, in ${took}`;
    case "blocked": return `blocked by ${by}; it never got further`;
    case "failed": return `${trace.outcome(n).replace("_", " ")}${trace.data.requests.status[n] ? ` (${trace.data.requests.status[n]})` : ""} after ${took}`;
    default: return `from ${by}, in ${took}`;
  }
}

// A speed in run seconds a second, in words.
export function paceSays(rate) {
  if (rate > 0.95 && rate < 1.05) return "real time";
  return rate < 1 ? `1/${(1 / rate).toPrecision(2) < 10 ? Number((1 / rate).toPrecision(2)) : Math.round(1 / rate)} of real time` : `${Number(rate.toPrecision(2))} times real time`;
}

// The run's time, and how much of it there is.
export function clock(t, until) {
  const digits = until < 10 ? 4 : until < 1000 ? 3 : 2;
  return `${t.toFixed(digits)} s of ${until.toFixed(1)}`;
}

// News of a server: who leaves it out, and why; or that it is back.
export function boutSays(trace, {icon, by, what}) {
  const {nodes} = trace.data, name = nodes[icon].name, proxy = by === null ? "the proxy" : nodes[by].name;
  if (what === "unwell") return `a probe of ${proxy} finds ${name} unwell`;
  const why = {ejected: "too many failures", down: "its probes fail", drained: "it is being drained"}[what];
  return why ? `${proxy} leaves ${name} out: ${why}` : `${proxy} asks ${name} again`;
}

// Who is where at t.
export function situation(trace, t) {
  const counts = trace.counts(t);
  const now = trace.marks(t).filter((mark) => mark.kind !== "shake").slice(0, NAMED).map((mark) => {
    const names = mark.way.map((icon) => trace.data.nodes[icon].name);
    const where = names.length > 1 ? `between ${names[0]} and ${names[names.length - 1]}` : `at ${names[0]}`;
    return `${trace.url(mark.request)} ${where}`;
  });
  const out = trace.data.nodes.filter((_, icon) => trace.away(icon, t)).map((node) => node.name);
  return `At ${duration(t)}: ${counts.under_way} under way${now.length ? `: ${now.join("; ")}` : ""}.${out.length ? ` Left out: ${out.join(", ")}.` : ""}`;
}

// How many of them have ended how, until t.
export function tally(trace, t, cached) {
  const counts = trace.counts(t);
  const said = [`${counts.arrived} asked`, `${counts.ok} answered`];
  if (cached) said.push(`${counts.hit} from a cache`);
  if (counts.blocked) said.push(`${counts.blocked} blocked`);
  const lost = counts.failed + counts.rejected + counts.timed_out;
  if (lost) said.push(`${lost} failed or refused`);
  return [...said, `${counts.under_way} under way`].join(" · ");
}
