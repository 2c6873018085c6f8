// What a click tells: of a request, of a choice, of a cache, of a server.

import {cacheStory} from "./caching.js";
import {element, table} from "./dom.js";
import {headsOf} from "./heads.js";
import {boutSays} from "./telling.js";
import {duration} from "./words.js";

const FAMILIES = {connect: "opening", tls: "opening", dns: "opening", queue: "waiting", wait: "waiting",
  service: "service", cpu: "cpu", request: "wire", response: "wire", transfer: "wire"};
const WORDS = {connect: "connects (TCP)", tls: "shakes hands (TLS)", request: "request", response: "answer",
  queue: "waits for a worker", wait: "waits", service: "is served", cpu: "processor"};
const CLIENT = "\u0000";
const SHOWN = 12;

export class Inspector {
  constructor(trace, shelves, choose) {
    this.trace = trace;
    this.shelves = shelves;
    this.choose = choose; // called with the number of a request
    this.choices = new Map();
    this.looks = new Map();
    for (const look of trace.data.caching ? trace.data.caching.looks : []) {
      if (!this.looks.has(look[0])) this.looks.set(look[0], []);
      this.looks.get(look[0]).push(look);
    }
    const {names, shapes, told} = trace.data.choices;
    for (const [request, at, node, backend, shape, values] of told) {
      const choice = {at: at * trace.data.tick, node: names[node], backend: names[backend], ...inflated(shapes[shape], values)};
      if (!this.choices.has(request)) this.choices.set(request, []);
      this.choices.get(request).push(choice);
    }
  }

  request(n) {
    const {trace} = this, {requests} = trace.data;
    const coding = requests.coding_names[requests.coding[n]];
    const facts = [
      ["outcome", trace.outcome(n).replace("_", " ") + (requests.status[n] ? `, status ${requests.status[n]}` : "")],
      ["answered by", trace.servedBy(n) || "nobody"],
      ["took", duration(trace.end[n] - trace.at[n])],
      ["body", `${requests.bytes_down[n].toLocaleString("en")} bytes${coding === "identity" ? "" : `, ${coding}`}`],
    ];
    if (trace.cacheOf(n) !== "none") facts.push(["cache", trace.cacheOf(n)]);
    if (requests.attempts[n] > 1) facts.push(["attempts", String(requests.attempts[n])]);
    return element("section", {},
      element("h3", {}, `${trace.method(n)} ${trace.url(n)}`),
      element("p", {class: "quiet"}, `request ${requests.id[n]} of ${trace.client(n)}, at ${duration(trace.at[n])}`),
      element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
      this.#cacheSays(n),
      element("h4", {}, "Where its time went"), this.#waterfall(n),
      ...this.#choicesOf(n),
      element("h4", {}, "What was said, hop by hop"), headsOf(trace, n),
      element("h4", {}, "Who saw what"), this.#sights(n));
  }

  #waterfall(n) {
    const {trace} = this, legs = trace.legs[n];
    const until = Math.max(trace.last[n], ...legs.map((leg) => leg.tail)), from = trace.at[n];
    const width = until - from || 1;
    return element("div", {class: "waterfall"}, ...legs.map((leg) => {
      const names = leg.way.map((icon) => trace.data.nodes[icon].name);
      const where = leg.kind === "shake" ? `${names[0]} ⇄ ${names[names.length - 1]}` : names.join(" → ");
      const bar = element("span", {class: `bar ${FAMILIES[leg.step] || "other"}`});
      bar.style.marginLeft = `${(100 * (leg.start - from)) / width}%`;
      bar.style.width = `max(2px, ${(100 * (leg.tail - leg.start)) / width}%)`;
      return element("div", {class: "span"}, element("span", {class: "what"}, `${where}  `, element("em", {}, WORDS[leg.step] || leg.step)),
        element("span", {class: "track"}, bar), element("span", {class: "took"}, duration(leg.tail - leg.start)));
    }));
  }

  #patterns(n) {
    const {patterns, sets, of} = this.trace.data.sights;
    return sets[of[n]].map((place) => patterns[place]);
  }

  #sights(n) {
    const {trace} = this, {nodes} = trace.data;
    const onWay = new Set();
    for (const leg of trace.legs[n]) {
      for (const icon of leg.way) onWay.add(nodes[icon].name);
    }
    const mark = (seen) => (seen ? "yes" : "–");
    const rows = [];
    for (const [observer, peer, chain, what] of this.#patterns(n)) {
      const ends = observer.split(">");
      const near = ends.every((end) => onWay.has(end) || onWay.has(end.replace(/-\d+$/, "")));
      if (!near && observer !== "DNS resolver") continue;
      const knows = peer === CLIENT || chain.split(", ").includes(CLIENT);
      rows.push([ends.length > 1 ? `wire ${ends.join(" → ")}` : observer, mark(knows), mark(what & 1), mark(what & 2), mark(what & 4)]);
    }
    return rows.length ? table(["who", "client", "site", "page", "contents"], rows)
      : element("p", {}, "The run did not record it.");
  }

  #choicesOf(n) {
    return (this.choices.get(n) || []).map((choice) => this.choice(choice, n));
  }

  // Why this server: what the balancer saw, and how it scored.
  choice(choice) {
    const columns = Object.keys(choice.by);
    const backends = [...new Set(columns.flatMap((key) => Object.keys(choice.by[key])))];
    const lead = reason(choice, columns);
    const shown = (value) => typeof value === "number" ? Number(value.toPrecision(4)).toString() : String(value ?? "–");
    return element("div", {class: "why"},
      element("h4", {}, `Why ${choice.backend}?`),
      element("p", {}, lead),
      backends.length ? table(["server", ...columns.map((key) => key.replaceAll("_", " "))],
        backends.map((name) => ({chosen: name === choice.backend, cells: [name === choice.backend ? `${name} ✓` : name,
          ...columns.map((key) => shown(choice.by[key][name]))]}))) : null,
      ...Object.entries(choice.plain).filter(([key]) => key !== "candidates").map(([key, value]) =>
        element("p", {class: "quiet"}, `${key.replaceAll("_", " ")}: ${Array.isArray(value) ? value.join(", ") : value}`)));
  }

  // Why it was a hit, a miss, stale.
  #cacheSays(n) {
    const text = this.cacheText(n);
    return text ? element("p", {class: "says"}, text) : null;
  }

  cacheText(n) {
    return cacheStory(this.trace, this.looks, n);
  }

  node(icon, t) {
    const {trace} = this, node = trace.data.nodes[icon];
    const facts = [["kind", node.kind.replace("_", " ")], ["stands in", node.zone]];
    for (const key of ["count", "address", "workers", "cores", "speed", "weight"]) {
      if (node[key] !== undefined && node[key] !== null && !(key === "count" && node.count === 1)) facts.push([key, String(node[key])]);
    }
    const parts = [element("h3", {}, node.name),
      element("dl", {}, ...facts.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]))];
    if (node.rules) {
      parts.push(element("h4", {}, "Its rules"), table(["rule", "because", "matched"],
        node.rules.map((rule) => [rule.rule, rule.because || "", String(rule.matched)])));
    }
    if (node.cache) {
      const seen = this.shelves.notes.filter((note) => note.icon === icon && note.at <= t);
      const hits = seen.filter((note) => note.hit).length;
      parts.push(element("h4", {}, "Its cache"), element("p", {}, `${this.#held(icon, t)}${hits} answered from it, ${seen.length - hits} asked for, until now. The last of them:`),
        element("ul", {class: "lines"}, ...seen.slice(-SHOWN).reverse().map((note) => this.#line(note.request, this.cacheText(note.request)))));
    }
    const news = trace.bouts.filter((bout) => bout.at <= t && (bout.icon === icon || bout.by === icon));
    if (news.length) {
      parts.push(element("h4", {}, "Who was left out"), element("ul", {class: "lines"},
        ...news.slice(-SHOWN).reverse().map((bout) => element("li", {}, `${duration(bout.at)}: ${boutSays(trace, bout)}`))));
    }
    const chosen = [...this.choices].flatMap(([n, list]) => list.filter((choice) => (choice.node === node.name || choice.backend === node.name) && choice.at <= t)
      .map((choice) => [n, choice])).sort((a, b) => b[1].at - a[1].at).slice(0, SHOWN);
    if (chosen.length) {
      const [, latest] = chosen[0];
      parts.push(this.choice(latest), element("h4", {}, "Choices before that"),
        element("ul", {class: "lines"}, ...chosen.map(([request, choice]) => this.#line(request, `to ${choice.backend}`))));
    }
    const here = trace.underWay(t).filter((n) => trace.where(n, t) === icon).slice(0, SHOWN);
    if (here.length && node.kind !== "clients") {
      parts.push(element("h4", {}, "Here now"), element("ul", {class: "lines"}, ...here.map((n) => this.#line(n, `${duration(t - trace.at[n])} old`))));
    }
    return element("section", {}, ...parts);
  }

  #held(icon, t) {
    const {size} = this.shelves.at(t).get(icon) || {size: 0};
    return `${size.toLocaleString("en")} answer${size === 1 ? "" : "s"} ${this.shelves.exact ? "kept now" : "seen so far"}. `;
  }

  #line(n, text) {
    return element("li", {}, element("button", {type: "button", class: "link", on: {click: () => this.choose(n)}}, this.trace.url(n)), ` ${text}`);
  }
}

function reason(choice, columns) {
  const candidates = choice.plain.candidates;
  const seen = columns.filter((key) => key !== "away").map((key) => key.replaceAll("_", " ")).join(", ");
  const looked = seen ? `${choice.node} looked at ${seen}. ` : `${choice.node} looked at none of them. `;
  if (Array.isArray(candidates) && candidates.length > 1) return `${looked}${candidates.length} were equally good; chance decided.`;
  if (Array.isArray(candidates) && candidates.length === 1) return `${looked}${choice.backend} was the best of all.`;
  return `${looked}${choice.backend} it was.`;
}

function inflated(keys, values) {
  const by = {}, plain = {};
  keys.forEach((key, place) => {
    const [name, backend] = key.split("\n");
    if (backend === undefined) plain[name] = values[place];
    else (by[name] = by[name] || {})[backend] = values[place];
  });
  return {by, plain};
}
