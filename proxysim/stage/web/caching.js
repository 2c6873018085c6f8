// Why a cache answered a request or did not, in words; sections are those of RFC 9111.

import {duration} from "./words.js";

// What every cache that was asked for request n had to say, in order.
export function cacheStory(trace, looks, n) {
  const state = trace.cacheOf(n);
  if (state === "none") return "";
  if (state === "bypass") return `No cache may answer ${trace.method(n) === "GET" ? "this request" : `a ${trace.method(n)}`}: it was passed on (RFC 9111, 4).`;
  const found = looks.get(n);
  if (!found) return guessed(trace, n, state);
  const told = found.map((look) => verdict(trace, n, look, state));
  if (state === "coalesced") told.push("Somebody else's request for the same page was on its way already; this one waited for that answer.");
  return told.join(" ");
}

function verdict(trace, n, [, icon, word, age, lifetime, , before, then], state) {
  const at = trace.data.nodes[icon].name;
  const old = age === null ? "" : `${duration(age)} old, and fresh for ${duration(lifetime)}`;
  const tail = then ? ` Its own answer was not kept: ${then}.` : "";
  switch (word) {
    case "fresh": return `A hit at ${at}: ${brought(trace, n, before)} It was ${old} (RFC 9111, 4.2).`;
    case "unwanted": return `${at} had the page, ${old}, but this client wants a fresher one (RFC 9111, 5.2.1).${tail}`;
    case "stale-while-revalidate": return `Stale at ${at}: the page was ${old}. It was sent all the same, while a newer one was fetched (RFC 5861, 3).`;
    case "max-stale": return `Stale at ${at}: the page was ${old}, which this client accepts (max-stale: RFC 9111, 5.2.1.2).`;
    case "old": return `${at} had the page, but out of date: ${old}. ${renewed(state)}${tail}`;
    case "other": return `A miss at ${at}: it has the page for other clients only, whose requests say something else (Vary: RFC 9111, 4.1).${tail}`;
    default: return `A miss at ${at}: ${missing(trace, n, before)}.${tail}`;
  }
}

function brought(trace, n, before) {
  if (!before) return "the page was there.";
  const [what, at, id] = before, ago = since(trace, n, at);
  if (what === "renewed") return `the origin had confirmed the page ${ago} before.`;
  return `${id >= 0 ? `request ${id}` : "somebody"} had brought the page ${ago} before.`;
}

function renewed(state) {
  if (state === "revalidated") return "The origin was asked whether it had changed. It had not: only a head came back (RFC 9111, 4.3).";
  if (state === "stale") return "The origin gave no answer, so it was sent all the same (RFC 5861, 4).";
  return "The origin was asked again (RFC 9111, 4.3).";
}

function missing(trace, n, before) {
  if (!before) return "nobody had asked it for this page before";
  const [what, at, id, why] = before, ago = since(trace, n, at);
  const reasons = {
    evicted: `the page had been kept, and was pushed out ${ago} before, to make room`,
    changed: `the page had been kept, and was forgotten ${ago} before, when somebody changed it (RFC 9111, 4.4)`,
    flushed: `the cache was emptied ${ago} before`,
    obsolete: `the page had been kept, and was dropped ${ago} before, when a newer answer came that may not be`,
  };
  if (what === "refused") return `${id >= 0 ? `request ${id}` : "somebody"} had asked for it ${ago} before, but the answer was not kept: ${why}`;
  return reasons[why] || "the page was not there";
}

function since(trace, n, ticks) {
  return duration(Math.max(0, trace.at[n] - ticks * trace.data.tick));
}

// Of a run that did not explain itself: by what other requests brought, and the sites' own rules.
function guessed(trace, n, state) {
  const {fetched, fresh} = trace.data;
  const id = fetched ? fetched.id[n] : -1, ago = fetched ? fetched.ago[n] / 1e6 : null;
  const rules = fresh[trace.site(n)], before = id >= 0 ? ` (brought ${duration(ago)} before)` : "";
  switch (state) {
    case "hit": return id >= 0 ? `A hit: request ${id} had brought this page ${duration(ago)} before, and it was still fresh.`
      : "A hit: the page was in the cache, and still fresh.";
    case "stale": return `Stale: the page was there but out of date${before}; it was sent all the same, as the rules allow.`;
    case "revalidated": return `Out of date${before}: the cache asked whether it had changed. It had not, so only a head came back.`;
    case "coalesced": return "Somebody else's request for the same page was already on its way; this one waited for that answer.";
  }
  if (!fetched) return "A miss: the page was not in the cache.";
  if (id < 0) return "A miss: nobody had brought this page before.";
  if (rules && ago > rules.ttl) return `A miss: request ${id} had brought it ${duration(ago)} before, longer than it stays fresh (${duration(rules.ttl)}).`;
  return `A miss: request ${id} had brought it ${duration(ago)} before, but it is no longer there: pushed out, or never kept.`;
}
