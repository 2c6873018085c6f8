// What each cache holds: by what the run says of it, else what was seen to come through it.

export class Shelves {
  constructor(trace) {
    const {nodes, requests} = trace.data;
    this.trace = trace;
    this.icons = nodes.map((node, icon) => (node.cache ? icon : -1)).filter((icon) => icon >= 0);
    this.notes = []; // requests that a cache had to do with
    for (let n = 0; n < trace.count; n++) {
      const state = trace.cacheOf(n);
      if (state === "none" || state === "bypass" || trace.end[n] === Infinity) continue;
      const icon = this.#icon(n, state);
      if (icon < 0) continue;
      const hit = state === "hit" || state === "stale";
      const first = trace.legs[n].reduce((least, leg) =>
        leg.kind === "back" ? Math.min(least, leg.start) : least, trace.end[n]);
      this.notes.push({at: hit ? first : trace.end[n], icon, page: trace.url(n), site: requests.site[n], hit, request: n});
    }
    this.notes.sort((a, b) => a.at - b.at);
    this.exact = Boolean(trace.data.caching && trace.data.caching.whole);
    this.deeds = this.exact ? this.#told() : this.notes.map((note) => ({...note, what: note.hit ? "hit" : "stored"}));
    this.#restart();
  }

  // By icon: pages, the one used last first, each with its site and when it was last used again.
  at(t) {
    if (t < this.time) this.#restart();
    this.time = t;
    for (; this.next < this.deeds.length && this.deeds[this.next].at <= t; this.next++) {
      const {at, icon, what, page, key = page, site} = this.deeds[this.next];
      const shelf = this.shelves.get(icon);
      if (!shelf) continue;
      if (what === "flushed") shelf.clear();
      else if (what === "dropped") shelf.delete(key);
      else if (what === "stored") {
        shelf.delete(key);
        shelf.set(key, {page, site, hitAt: -1});
      } else {
        for (const [held, found] of shelf) {
          if (found.page !== page) continue;
          shelf.delete(held);
          shelf.set(held, {...found, hitAt: at});
          break;
        }
      }
    }
    return this.shelves;
  }

  #told() {
    const {caching, requests, tick} = this.trace.data;
    const sites = new Map(requests.site_names.map((name, place) => [name, place]));
    const names = ["stored", "dropped", "flushed"];
    const changes = caching.changes.map(([at, icon, what, key]) => {
      const [host, path] = caching.pages[key];
      return {at: at * tick, icon, what: names[what], page: host + path, key, site: sites.get(host) ?? sites.size};
    });
    const hits = this.notes.filter((note) => note.hit).map((note) => ({...note, what: "hit"}));
    return [...changes, ...hits].map((deed, place) => ({...deed, place})).sort((a, b) => a.at - b.at || a.place - b.place);
  }

  #restart() {
    this.time = -Infinity;
    this.next = 0;
    this.shelves = new Map(this.icons.map((icon) => [icon, new Map()]));
  }

  #icon(n, state) {
    const {nodes} = this.trace.data;
    const server = this.trace.servedBy(n);
    if (state === "hit" || state === "stale") {
      const found = this.icons.find((icon) => nodes[icon].name === server ||
        server.startsWith(`${nodes[icon].name}-`));
      if (found !== undefined) return found;
    }
    for (const leg of this.trace.legs[n]) {
      const found = leg.way.find((icon) => this.icons.includes(icon));
      if (found !== undefined) return found;
    }
    return -1;
  }
}
