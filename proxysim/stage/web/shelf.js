// What each cache is seen to hold: pages that came through it, those that it has answered with solid.

export class Shelves {
  constructor(trace) {
    const {nodes, requests} = trace.data;
    this.trace = trace;
    this.icons = nodes.map((node, icon) => (node.cache ? icon : -1)).filter((icon) => icon >= 0);
    this.notes = [];
    this.of = new Array(trace.count).fill(-1);
    const reused = new Set();
    for (let n = 0; n < trace.count; n++) {
      const state = trace.cacheOf(n);
      if (state === "none" || state === "bypass" || trace.end[n] === Infinity) continue;
      const icon = this.#icon(n, state);
      if (icon < 0) continue;
      this.of[n] = icon;
      const page = `${requests.site[n]}/${requests.path[n]}`;
      const hit = state === "hit" || state === "stale";
      if (hit) reused.add(`${icon}/${page}`);
      const first = trace.legs[n].reduce((least, leg) =>
        leg.kind === "back" ? Math.min(least, leg.start) : least, trace.end[n]);
      this.notes.push({at: hit ? first : trace.end[n], icon, page, site: requests.site[n], hit, request: n});
    }
    this.notes.sort((a, b) => a.at - b.at);
    for (const note of this.notes) note.kept = reused.has(`${note.icon}/${note.page}`);
    this.#restart();
  }

  // By icon: pages, the one used last first, each with its site, whether it is kept, its last use.
  at(t) {
    if (t < this.time) this.#restart();
    this.time = t;
    for (; this.next < this.notes.length && this.notes[this.next].at <= t; this.next++) {
      const note = this.notes[this.next];
      const shelf = this.shelves.get(note.icon);
      const before = shelf.get(note.page);
      shelf.delete(note.page);
      shelf.set(note.page, {...note, hitAt: note.hit ? note.at : before ? before.hitAt : -1});
    }
    return this.shelves;
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
