// A run as the stage plays it, decoded; and where every request is at a moment.
// The rule is that of proxysim/stage/marks.py, which the tests hold it against.

const FATES = {blocked: "blocked", rejected: "failed", timed_out: "failed", failed: "failed"};
const CACHED = {hit: "hit", stale: "stale", miss: "miss", revalidated: "miss", coalesced: "miss"};
const BUCKETS = 1024;

export class Trace {
  constructor(data) {
    this.data = data;
    const {requests, hops, tick} = data;
    const count = requests.id.length;
    this.count = count;
    this.at = Float64Array.from(requests.at, (at) => at * tick);
    this.end = Float64Array.from(requests.end, (end, n) =>
      end === null ? Infinity : this.at[n] + end * tick);
    this.fates = requests.outcome.map((outcome, n) =>
      FATES[data.outcomes[outcome]] || CACHED[data.caches[requests.cache[n]]] || "answer");
    const kinds = data.steps.map(kindOf);
    this.legs = [];
    let place = 0;
    for (let n = 0; n < count; n++) {
      const legs = [];
      for (const last = place + hops.count[n]; place < last; place++) {
        const way = data.places[hops.place[place]];
        const start = this.at[n] + hops.start[place] * tick;
        const end = start + hops.length[place] * tick;
        legs.push({
          request: n, way, start, end,
          kind: way.length > 1 ? kinds[hops.step[place]] : "hold",
          step: data.steps[hops.step[place]],
          tail: end + Math.max(0, hops.tail[place]) * tick,
          sealed: hops.sealed[place] === 1,
        });
      }
      this.legs.push(legs);
    }
    this.last = this.legs.map((legs, n) =>
      legs.reduce((most, leg) => Math.max(most, leg.tail),
        this.end[n] === Infinity ? this.at[n] : this.end[n]));
    this.retried = this.legs.map((legs, n) =>
      requests.attempts[n] > 1 ? secondTry(legs) : Infinity);
    const homes = requests.client_names.map((name) => homeOf(data.nodes, name));
    this.home = requests.client.map((client) => homes[client]);
    this.lane = requests.client.map((client) => laneOf(requests.client_names[client]));
    this.since = count ? this.at[0] : 0;
    this.until = this.last.reduce((most, last) => Math.max(most, last), 0);
    this.all = this.legs.flat();
    this.byEnd = [...this.all].sort((a, b) => a.end - b.end);
    this.ends = Float64Array.from(this.byEnd, (leg) => leg.end);
    this.moments = Float64Array.from(
      new Set(this.all.flatMap((leg) => [leg.start, leg.end]).concat([...this.at]))).sort();
    this.finished = [...this.end.keys()].filter((n) => this.end[n] < Infinity)
      .sort((a, b) => this.end[a] - this.end[b]);
    this.finishedAt = Float64Array.from(this.finished, (n) => this.end[n]);
    this.asked = this.#askedOf();
    const health = data.health || {probes: [], bouts: [], unwell: []};
    this.unwell = health.unwell.map(([at, by, icon]) => ({at: at * tick, by, icon, what: "unwell", kind: "unwell", request: -1}));
    this.probes = health.probes.map(([start, length, way, well]) =>
      ({start: start * tick, end: (start + length) * tick, way, well: well === 1}));
    this.probeStarts = Float64Array.from(this.probes, (probe) => probe.start);
    this.longestProbe = this.probes.reduce((most, probe) => Math.max(most, probe.end - probe.start), 0);
    this.bouts = health.bouts.map(([at, by, icon, what]) => ({at: at * tick, by, icon, what}));
    this.#index();
    this.#seats();
    this.incidents = this.#incidents();
    this.incidentsAt = Float64Array.from(this.incidents, (incident) => incident.at);
  }

  // Requests that are under way at t, in order of arrival.
  underWay(t) {
    const bucket = this.buckets[this.#bucket(t)];
    return bucket ? bucket.filter((n) => this.at[n] <= t && t < this.last[n]) : [];
  }

  // All marks at t. O(requests near t).
  marks(t) {
    const found = [];
    for (const n of this.underWay(t)) this.marksOf(n, t, found);
    return found;
  }

  marksOf(n, t, found = []) {
    const first = found.length;
    let turned = false, here = this.home[n], latest = -Infinity, held = false, opener = null;
    for (const leg of this.legs[n]) {
      if (leg.start > t) continue;
      if (leg.end <= t) {
        if (leg.kind !== "shake" && leg.end >= latest) {
          latest = leg.end;
          here = leg.way[leg.way.length - 1];
          turned = leg.kind === "back";
        }
        continue;
      }
      const share = (t - leg.start) / (leg.end - leg.start);
      if (leg.kind === "shake") {
        const out = share < 0.5 ? 2 * share : 2 - 2 * share;
        const state = leg.step === "tls" ? "sealed" : "plain";
        found.push({request: n, kind: "shake", way: leg.way, step: leg.step, share: out, state, leg});
        opener = leg.way[0];
        continue;
      }
      held = true;
      const state = this.state(n, t, leg.kind === "back", leg.sealed);
      found.push({request: n, kind: leg.kind, way: leg.way, step: leg.step, share, state, leg});
    }
    if (t < this.end[n] && !held) {
      const way = [opener === null ? here : opener];
      const state = this.state(n, t, turned, false);
      found.push({request: n, kind: "rest", way, step: "", share: 0, state, leg: null});
    }
    return found.length - first;
  }

  state(n, t, back, sealed) {
    if (t >= this.end[n]) return "left";
    if (back) return this.fates[n];
    if (t >= this.retried[n]) return "retried";
    return sealed ? "sealed" : "plain";
  }

  // What has happened until t, of the requests on the page.
  counts(t) {
    const found = {arrived: upTo(this.at, t), ok: 0, blocked: 0, rejected: 0, timed_out: 0,
      failed: 0, hit: 0, miss: 0};
    const {requests, outcomes, caches} = this.data;
    const ended = upTo(this.finishedAt, t);
    for (let place = 0; place < ended; place++) {
      const n = this.finished[place];
      found[outcomes[requests.outcome[n]]] += 1;
      const cache = caches[requests.cache[n]];
      if (cache === "hit" || cache === "stale") found.hit += 1;
      else if (cache !== "none" && cache !== "bypass") found.miss += 1;
    }
    found.under_way = found.arrived - ended;
    return found;
  }

  // Of a run of which a sample is played: how busy a server was about t, else null.
  measured(icon, t) {
    const {windows} = this.data;
    if (!windows || !windows.queue[icon]) return null;
    const place = Math.max(0, upTo(windows.start, t) - 1);
    return {utilisation: (windows.utilisation[icon] || [])[place] || 0, queue: windows.queue[icon][place]};
  }

  // How many requests had been sent to a server until t.
  sentTo(icon, t) {
    return this.asked[icon] ? upTo(this.asked[icon], t) : 0;
  }

  #askedOf() {
    const starts = this.data.nodes.map(() => []);
    for (const leg of this.all) {
      if (leg.kind === "go") starts[leg.way[leg.way.length - 1]].push(leg.start);
    }
    return starts.map((found) => Float64Array.from(found).sort());
  }

  // Spans of health probes at t.
  probing(t) {
    const found = [];
    for (let place = upTo(this.probeStarts, t) - 1; place >= 0 && this.probes[place].start >= t - this.longestProbe; place--) {
      if (t < this.probes[place].end) found.push(this.probes[place]);
    }
    return found;
  }

  // Why nothing is sent to a server at t; empty where it is.
  away(icon, t) {
    if (this.data.nodes[icon].count > 1) return "";
    const last = this.bouts.findLast((bout) => bout.icon === icon && bout.at <= t);
    return !last || last.what === "back" ? "" : last.what;
  }

  client(n) { return this.data.requests.client_names[this.data.requests.client[n]]; }
  site(n) { return this.data.requests.site_names[this.data.requests.site[n]]; }
  path(n) { return this.data.requests.path_names[this.data.requests.path[n]]; }
  method(n) { return this.data.requests.method_names[this.data.requests.method[n]]; }
  servedBy(n) { return this.data.requests.served_by_names[this.data.requests.served_by[n]]; }
  cacheOf(n) { return this.data.caches[this.data.requests.cache[n]]; }
  outcome(n) { return this.data.outcomes[this.data.requests.outcome[n]]; }
  url(n) { return this.site(n) + this.path(n); }
  number(id) { return this.data.requests.id.indexOf(id); }

  #bucket(t) {
    const width = (this.until - this.since) / BUCKETS || 1;
    return Math.min(BUCKETS - 1, Math.max(0, Math.floor((t - this.since) / width)));
  }

  #index() {
    this.buckets = Array.from({length: BUCKETS}, () => []);
    for (let n = 0; n < this.count; n++) {
      const last = this.#bucket(this.last[n]);
      for (let b = this.#bucket(this.at[n]); b <= last; b++) this.buckets[b].push(n);
    }
  }

  // Which of a server's workers each request has, and who waits at each node in which order.
  #seats() {
    const busy = new Map();
    const held = this.all.filter((leg) => leg.kind === "hold").sort((a, b) => a.start - b.start);
    for (const leg of held) {
      const key = leg.step === "service" ? `s${leg.way[0]}` : `w${leg.way[0]}`;
      let seats = busy.get(key);
      if (!seats) busy.set(key, seats = []);
      let seat = seats.findIndex((until) => until <= leg.start + 2 * this.data.tick);
      if (seat < 0) seat = seats.length;
      seats[seat] = leg.end;
      leg.seat = seat;
    }
  }

  // What deserves a sign at a node: answered here, turned away, dropped.
  #incidents() {
    const found = [];
    for (let n = 0; n < this.count; n++) {
      const fate = this.fates[n];
      const back = this.legs[n].filter((leg) => leg.kind === "back");
      const first = back.reduce((least, leg) => !least || leg.start < least.start ? leg : least, null);
      if ((fate === "blocked" || fate === "hit" || fate === "stale") && first) {
        found.push({at: first.start, kind: fate, icon: first.way[0], request: n});
      } else if (fate === "failed") {
        const at = first ? first.start : this.end[n];
        if (at < Infinity) found.push({at, kind: "dropped", icon: first ? first.way[0] : this.where(n, at), request: n});
      }
    }
    found.push(...this.unwell);
    for (const bout of this.bouts) found.push({...bout, kind: bout.what === "back" ? "back" : "out", request: -1});
    return found.sort((a, b) => a.at - b.at);
  }

  where(n, t) {
    let here = this.home[n], latest = -Infinity;
    for (const leg of this.legs[n]) {
      if (leg.kind === "shake" || leg.start > t || leg.end < latest) continue;
      latest = Math.min(leg.end, t);
      here = leg.end <= t ? leg.way[leg.way.length - 1] : leg.way[0];
    }
    return here;
  }
}

function kindOf(step) {
  if (step === "connect" || step === "tls") return "shake";
  return step === "response" ? "back" : "go";
}

function secondTry(legs) {
  const before = new Set();
  const first = legs.find((leg) => leg.kind === "go");
  for (const leg of [...legs].sort((a, b) => a.start - b.start)) {
    if (leg.kind !== "go") continue;
    if (before.has(leg.way[0]) && leg.way[0] !== first.way[0]) return leg.start;
    before.add(leg.way[0]);
  }
  return Infinity;
}

function homeOf(nodes, client) {
  const group = client.slice(0, Math.max(0, client.lastIndexOf("-")));
  for (const name of [client, group]) {
    const found = nodes.findIndex((node) => node.name === name);
    if (found >= 0) return found;
  }
  return 0;
}

// From -1 to 1, the same for all requests of a client.
function laneOf(name) {
  let hash = 2166136261;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
  return ((hash >>> 8) % 1000) / 499.5 - 1;
}

// How many of the sorted values are at most t.
export function upTo(values, t) {
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= t) low = middle + 1; else high = middle;
  }
  return low;
}
