// The player: the clock, its controls, and everything that follows it.

import {Chart, chartsOf} from "./charts.js";
import {element} from "./dom.js";
import {Inspector} from "./inspect.js";
import {STATES, paintMark} from "./marks.js";
import {Pace} from "./pace.js";
import {Painter} from "./draw.js";
import {Trace, upTo} from "./trace.js";
import {coloursOf} from "./colours.js";
import {duration} from "./words.js";

const SPEEDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const TOLD = 5; // requests whose end is told below the stage
const CALM = 700; // ms between pictures where motion is unwelcome
const NEAR = 15; // px within which a click finds a mark

export class Player {
  constructor(root) {
    this.root = root;
    this.time = 0;
    this.playing = false;
    this.look = {follow: null, selected: -1, calm: matchMedia("(prefers-reduced-motion: reduce)").matches};
    this.panes = [];
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.#shade();
    this.#build();
    this.painting = new ResizeObserver(() => this.#resize());
    this.painting.observe(this.parts.stages);
    this.dark.addEventListener("change", () => { this.#shade(); this.#resize(); });
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", (query) => {
      this.look.calm = query.matches;
    });
    document.addEventListener("keydown", (event) => this.#key(event));
    requestAnimationFrame((now) => this.#frame(now));
  }

  // Show the runs of *panes*, one or two, under *labels*; *predict*: a question to ask first.
  load(panes, labels = [], {predict = null, time = 0, speed = null, play = true} = {}) {
    this.playing = false;
    const traces = panes.map((data) => new Trace(data));
    this.panes = traces.map((trace, place) => {
      const canvas = element("canvas", {class: "stage", tabIndex: 0, role: "img"});
      const painter = new Painter(canvas, trace);
      const pane = {trace, canvas, painter, label: labels[place] || "", tally: element("p", {class: "tally"})};
      pane.inspector = new Inspector(trace, painter.shelves, (n) => this.select(place, n));
      canvas.addEventListener("click", (event) => this.#click(event, place));
      return pane;
    });
    this.parts.stages.replaceChildren(...this.panes.map((pane) => element("div", {class: "pane"},
      pane.label ? element("h2", {class: "label"}, pane.label) : null, pane.canvas, pane.tally)));
    this.root.classList.toggle("two", panes.length > 1);
    const {times, charts} = chartsOf(traces, this.panes.map((pane) => pane.label || pane.trace.data.scenario));
    this.charts = charts.map((chart) => new Chart(chart, times));
    this.parts.charts.replaceChildren(...this.charts.map((chart) => chart.root));
    this.since = Math.min(...traces.map((trace) => trace.since));
    this.until = Math.max(...traces.map((trace) => trace.until));
    this.look.selected = -1;
    this.look.follow = null;
    this.selection = null;
    this.#menus();
    this.#head();
    this.parts.problem.hidden = true;
    this.setSpeed(speed);
    this.#resize();
    this.seek(Math.max(this.since, time));
    this.parts.inspect.replaceChildren(element("p", {class: "quiet"},
      "Click a mark, a server, or a cache to look into it. The picture halts for as long as you look."));
    this.#predict(predict);
    if (play && !predict) this.play();
  }

  // A sentence in place of a run that cannot be shown, and the way back.
  problem(text, back) {
    this.pause();
    this.parts.problem.replaceChildren(element("p", {}, text),
      back ? element("button", {type: "button", on: {click: () => { this.parts.problem.hidden = true; back.call(); }}}, back.label) : "");
    this.parts.problem.hidden = false;
  }

  play() {
    if (!this.panes.length || this.asking) return;
    if (this.time >= this.until) this.seek(this.since);
    this.playing = true;
    this.wall = this.pace.wall(this.time);
    this.last = null;
    this.#buttons();
  }

  pause() {
    this.playing = false;
    this.#buttons();
    if (this.panes.length) this.#tell();
  }

  seek(t) {
    if (!this.panes.length) return;
    this.time = Math.min(this.until, Math.max(this.since, t));
    this.wall = this.pace.wall(this.time);
    this.#draw();
  }

  // To the next moment at which anything begins or ends, or the one before.
  step(way = 1) {
    this.pause();
    const moments = this.panes.map(({trace}) => {
      const place = way > 0 ? upTo(trace.moments, this.time + 1e-9) : upTo(trace.moments, this.time - 1e-9) - 1;
      return trace.moments[place];
    }).filter((moment) => moment !== undefined);
    if (moments.length) this.seek(way > 0 ? Math.min(...moments) : Math.max(...moments));
    this.#tell();
  }

  setSpeed(speed) {
    this.speed = speed;
    this.pace = new Pace(this.panes.map((pane) => pane.trace), speed);
    this.wall = this.pace.wall(this.time);
    this.parts.speed.value = speed === null ? "auto" : String(speed);
    this.#changed();
  }

  faster(way) {
    const now = this.speed ?? this.pace.rate(this.time) ?? 0.01;
    const next = way > 0 ? SPEEDS.find((speed) => speed > now * 1.01) : SPEEDS.findLast((speed) => speed < now * 0.99);
    this.setSpeed(next ?? (way > 0 ? SPEEDS[SPEEDS.length - 1] : SPEEDS[0]));
  }

  follow(client) {
    this.look.follow = client || null;
    this.parts.follow.value = client || "";
    this.#draw();
  }

  jump(at) {
    this.seek(at - 1e-9);
    this.#tell();
  }

  select(place, n) {
    this.pause();
    this.selection = {place, n};
    this.look.selected = n;
    this.parts.inspect.replaceChildren(this.panes[place].inspector.request(n));
    this.#draw();
  }

  lookInto(place, icon) {
    this.pause();
    this.selection = {place, icon};
    this.look.selected = -1;
    this.parts.inspect.replaceChildren(this.panes[place].inspector.node(icon, this.time));
    this.#draw();
  }

  // For tests, and for whoever likes to script the stage.
  marks(place = 0) { return this.panes[place].trace.marks(this.time); }
  counts(place = 0) { return this.panes[place].trace.counts(this.time); }
  spots(place = 0) {
    return this.panes[place].painter.spots.map(({mark, x, y, r}) => ({...mark, leg: undefined, x, y, r}));
  }

  #build() {
    const button = (id, text, title, call) =>
      element("button", {type: "button", id, title, ariaLabel: title, on: {click: call}}, text);
    const p = this.parts = {
      title: element("h1"), question: element("p", {class: "question"}), watch: element("p", {class: "watch"}),
      stages: element("div", {class: "stages"}), charts: element("div", {class: "charts", ariaLabel: "charts"}),
      predict: element("div", {class: "predict", hidden: true}),
      problem: element("div", {class: "problem", role: "alert", hidden: true}),
      inspect: element("div", {class: "inspect"}), told: element("ol", {class: "told"}),
      clock: element("output", {id: "clock"}), rate: element("span", {class: "rate", id: "rate"}),
      live: element("p", {class: "unseen", role: "status"}), foot: element("footer"),
      scrub: element("input", {type: "range", id: "scrub", min: 0, max: 10000, value: 0, ariaLabel: "time",
        on: {input: () => this.seek(this.since + ((this.until - this.since) * Number(this.parts.scrub.value)) / 10000)}}),
      flags: element("div", {class: "flags"}),
      speed: element("select", {id: "speed", ariaLabel: "speed", on: {change: () =>
        this.setSpeed(this.parts.speed.value === "auto" ? null : Number(this.parts.speed.value))}},
        element("option", {value: "auto"}, "a pace to follow"),
        ...SPEEDS.map((speed) => element("option", {value: String(speed)}, speed < 1 ? `1/${Math.round(1 / speed)} of real time` : speed === 1 ? "real time" : `${speed} times`))),
      events: element("select", {id: "events", ariaLabel: "jump to an event", on: {change: () => {
        if (this.parts.events.value) this.jump(Number(this.parts.events.value));
        this.parts.events.value = "";
      }}}),
      follow: element("select", {id: "follow", ariaLabel: "follow one client", on: {change: () => this.follow(this.parts.follow.value)}}),
      legend: element("ul", {class: "legend"}),
      top: element("div", {class: "top"}), settings: element("div", {class: "settings", hidden: true}),
      film: button("film", "Film from here", "a GIF: from here, then to here", () => this.#film()),
      share: button("share", "Share", "Copy the address of this moment", () => this.#share()),
    };
    p.film.hidden = true;
    p.play = button("play", "▶", "play or pause (space)", () => (this.playing ? this.pause() : this.play()));
    this.root.replaceChildren(
      element("header", {}, element("div", {}, p.title, p.question, p.watch),
        element("div", {class: "tools"}, p.share,
          button("theme", "◐", "light or dark (t)", () => this.theme()),
          button("help", "?", "keys (h)", () => this.#help()))),
      p.top,
      element("main", {},
        element("div", {class: "left"}, p.problem, p.predict, p.stages,
          element("div", {class: "transport"},
            button("start", "|◂◂", "to the beginning (Home)", () => { this.seek(this.since); }),
            button("back", "|◂", "one step back (,)", () => this.step(-1)), p.play,
            button("step", "▸|", "one step on (.)", () => this.step(1)),
            element("div", {class: "time"}, p.flags, p.scrub),
            p.clock,
            element("label", {}, "speed ", p.speed), p.rate,
            element("label", {class: "pick"}, "event ", p.events), element("label", {class: "pick"}, "follow ", p.follow), p.film),
          p.told, p.charts,
          element("details", {class: "box", open: true}, element("summary", {}, "What the marks mean"), p.legend)),
        element("aside", {}, element("section", {class: "box"}, element("h2", {}, "A closer look"), p.inspect), p.settings)),
      p.foot, p.live);
  }

  #head() {
    const {data} = this.panes[0].trace, p = this.parts;
    p.title.textContent = data.title || data.scenario;
    p.question.textContent = data.question;
    p.watch.replaceChildren(...(data.watch_for ? [element("b", {}, "Watch for: "), data.watch_for] : []));
    document.title = data.title || data.scenario;
    const shown = data.requests.id.length, whole = shown === data.total;
    const facts = [`${data.scenario}${data.removed.length ? ` without ${data.removed.join(", ")}` : ""}`, `world ${data.world}`,
      `seed ${data.seed}${data.replication ? `, replication ${data.replication}` : ""}`, `scenario ${data.hash}`,
      whole ? `n = ${shown.toLocaleString("en")} requests, all that arrived`
        : `n = ${shown.toLocaleString("en")} of ${data.total.toLocaleString("en")} requests: thinned to ${data.complete ? "whole stretches of time" : "those whose spans were kept"}`];
    p.foot.replaceChildren(element("p", {id: "facts"}, facts.join(" · ")), ...data.notes.map((note) => element("p", {class: "quiet"}, `note: ${note}`)));
  }

  #menus() {
    const {trace} = this.panes[0], p = this.parts;
    const events = trace.data.events;
    p.events.replaceChildren(element("option", {value: ""}, events.length ? "jump to …" : "none in this run"),
      ...events.map((event) => element("option", {value: String(event.at), disabled: event.at > this.until}, `${duration(event.at)}: ${event.label}`)));
    p.events.disabled = !events.length;
    const span = this.until - this.since || 1;
    p.flags.replaceChildren(...events.filter((event) => event.at <= this.until).map((event) => {
      const flag = element("i", {title: event.label});
      flag.style.left = `${(100 * (event.at - this.since)) / span}%`;
      return flag;
    }));
    const asked = new Map();
    for (let n = 0; n < trace.count; n++) asked.set(trace.client(n), (asked.get(trace.client(n)) || 0) + 1);
    const most = [...asked].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0], "en", {numeric: true})).slice(0, 200);
    p.follow.replaceChildren(element("option", {value: ""}, "everybody"),
      ...most.map(([client, count]) => element("option", {value: client}, `${client} (${count})`)));
  }

  #resize() {
    this.colours = coloursOf(document.documentElement);
    for (const pane of this.panes) {
      const width = pane.canvas.parentElement.clientWidth;
      if (width > 0) pane.painter.resize(width, this.colours);
    }
    this.#legend();
    this.#draw();
  }

  #legend() {
    const scale = window.devicePixelRatio || 1;
    this.parts.legend.replaceChildren(...Object.entries(STATES).map(([state, [name, says]]) => {
      const picture = element("canvas", {ariaHidden: "true"});
      picture.width = picture.height = 22 * scale;
      const c = picture.getContext("2d");
      c.setTransform(scale, 0, 0, scale, 11 * scale, 11 * scale);
      paintMark(c, state, 7.5, this.colours);
      return element("li", {}, picture, element("span", {}, element("b", {}, name), ` ${says}`));
    }));
  }

  #frame(now) {
    if (this.playing && this.panes.length) {
      const passed = this.last === null || this.last === undefined ? 0 : Math.min(0.25, (now - this.last) / 1000);
      if (!this.look.calm || passed === 0 || now - this.last >= CALM) {
        this.wall += this.look.calm && this.last ? CALM / 1000 : passed;
        this.last = now;
        this.time = Math.min(this.until, this.pace.time(this.wall));
        this.#draw();
        if (this.time >= this.until) {
          this.pause();
          this.#reveal();
        }
      }
    }
    requestAnimationFrame((next) => this.#frame(next));
  }

  #draw() {
    if (!this.panes.length || !this.colours || !this.panes[0].painter.places) return;
    for (const [place, pane] of this.panes.entries()) {
      const look = {...this.look, selected: this.selection && this.selection.place === place ? this.look.selected : -1};
      pane.painter.draw(this.time, this.pace, look);
      const counts = pane.trace.counts(this.time);
      const said = [`${counts.arrived} asked`, `${counts.ok} answered`];
      if (pane.painter.shelves.icons.length) said.push(`${counts.hit} from a cache`);
      if (counts.blocked) said.push(`${counts.blocked} blocked`);
      const lost = counts.failed + counts.rejected + counts.timed_out;
      if (lost) said.push(`${lost} failed or refused`);
      said.push(`${counts.under_way} under way`);
      const text = said.join(" · ");
      if (pane.tally.textContent !== text) pane.tally.textContent = text;
    }
    this.shown ??= performance.now(); // ms from the navigation to the first picture
    const p = this.parts;
    p.scrub.value = String(Math.round((10000 * (this.time - this.since)) / (this.until - this.since || 1)));
    p.clock.textContent = clock(this.time, this.until);
    const rate = this.pace.rate(this.time);
    p.rate.textContent = this.speed === null && rate > 0 ? rate < 1 ? `now 1/${Math.max(1, Math.round(1 / rate))}` : `now × ${rate.toFixed(0)}` : "";
    for (const chart of this.charts) chart.draw(this.time, this.colours);
    this.#narrate();
  }

  // The last requests that ended, in words.
  #narrate() {
    const {trace} = this.panes[0];
    let ended = upTo(trace.finishedAt, this.time);
    const lines = [];
    for (; ended > 0 && lines.length < TOLD; ended--) {
      const n = trace.finished[ended - 1];
      if (this.look.follow === null || trace.client(n) === this.look.follow) lines.push(n);
    }
    const key = lines.join();
    if (key === this.toldKey) return;
    this.toldKey = key;
    this.parts.told.replaceChildren(...lines.map((n) => element("li", {class: trace.fates[n]},
      element("button", {type: "button", class: "link", on: {click: () => this.select(0, n)}}, `${trace.client(n)} → ${trace.url(n)}`),
      ` ${sentence(trace, n)}`)));
  }

  #tell() {
    const [{trace}] = this.panes;
    const counts = trace.counts(this.time);
    const now = trace.marks(this.time).filter((mark) => mark.kind !== "shake").slice(0, 6).map((mark) => {
      const names = mark.way.map((icon) => trace.data.nodes[icon].name);
      const where = names.length > 1 ? `between ${names[0]} and ${names[names.length - 1]}` : `at ${names[0]}`;
      return `${trace.url(mark.request)} ${where}`;
    });
    const text = `At ${duration(this.time)}: ${counts.under_way} under way${now.length ? `: ${now.join("; ")}` : ""}.`;
    this.parts.live.textContent = text;
    for (const pane of this.panes) pane.canvas.setAttribute("aria-label", `The network ${pane.label}. ${text}`);
  }

  #buttons() {
    this.parts.play.textContent = this.playing ? "❚❚" : "▶";
    this.parts.play.setAttribute("aria-pressed", String(this.playing));
    this.#changed();
  }

  #click(event, place) {
    const pane = this.panes[place], box = pane.canvas.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top;
    let best = null, near = NEAR;
    for (const spot of pane.painter.spots) {
      const away = Math.hypot(spot.x - x, spot.y - y);
      if (away < near) [best, near] = [spot, away];
    }
    if (best) { this.select(place, best.mark.request); return; }
    const icon = pane.painter.places.at(x, y);
    if (icon >= 0) this.lookInto(place, icon);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && !(event.target.type === "range" && event.key === " ")) return;
    if (event.target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
    const events = this.panes.length ? this.panes[0].trace.data.events.map((found) => found.at) : [];
    const span = this.until - this.since;
    const keys = {
      " ": () => (this.playing ? this.pause() : this.play()),
      ".": () => this.step(1), ",": () => this.step(-1),
      ArrowRight: () => this.seek(this.time + span / 100), ArrowLeft: () => this.seek(this.time - span / 100),
      Home: () => this.seek(this.since), End: () => this.seek(this.until),
      "+": () => this.faster(1), "=": () => this.faster(1), "-": () => this.faster(-1), 0: () => this.setSpeed(null),
      "]": () => { const next = events.find((at) => at > this.time + 1e-6); if (next !== undefined) this.jump(next); },
      "[": () => { const before = events.findLast((at) => at < this.time - 1e-3); if (before !== undefined) this.jump(before); },
      n: () => this.#nextRequest(1), p: () => this.#nextRequest(-1),
      f: () => this.#followSelected(), t: () => this.theme(), h: () => this.#help(), "?": () => this.#help(),
      Escape: () => { this.follow(null); this.selection = null; this.look.selected = -1; this.#draw(); },
    };
    const call = keys[event.key];
    if (!call || !this.panes.length) return;
    event.preventDefault();
    call();
  }

  // The keyboard's click: one after the other of those under way.
  #nextRequest(way) {
    const here = this.panes[0].trace.underWay(this.time);
    if (!here.length) return;
    const place = here.indexOf(this.look.selected);
    this.select(0, here[(place + way + here.length) % here.length]);
  }

  #followSelected() {
    if (this.look.follow !== null) this.follow(null);
    else if (this.selection && this.selection.n !== undefined) this.follow(this.panes[this.selection.place].trace.client(this.selection.n));
  }

  theme() {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    this.#resize();
  }

  #shade() {
    document.documentElement.dataset.theme = this.dark.matches ? "dark" : "light";
  }

  #help() {
    const keys = [["space", "play or pause"], [". ,", "one step on, or back"], ["← →", "a hundredth of the time"], ["Home End", "beginning, end"],
      ["+ − 0", "faster, slower, a pace to follow"], ["[ ]", "event before, event after"], ["n p", "look into the next request, the one before"],
      ["f", "follow its client, or everybody again"], ["t", "light or dark"], ["Esc", "let go"]];
    this.parts.inspect.replaceChildren(element("h3", {}, "Keys"),
      element("dl", {class: "keys"}, ...keys.flatMap(([key, says]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, says)])));
    this.parts.inspect.scrollIntoView({block: "nearest"});
  }

  // Predict first: the question stands before the picture until it is answered.
  #predict(asked) {
    this.asking = asked;
    this.guess = null;
    this.parts.predict.hidden = !asked;
    if (!asked) return;
    this.parts.predict.replaceChildren(element("h2", {}, "What do you think?"), element("p", {}, asked.question),
      element("div", {class: "answers"}, ...asked.choices.map((choice, place) =>
        element("button", {type: "button", on: {click: () => this.#guessed(place)}}, choice))));
  }

  #guessed(place) {
    const asked = this.asking;
    this.guess = {asked, place};
    this.asking = null;
    this.parts.predict.replaceChildren(element("p", {}, "You say: ", element("b", {}, asked.choices[place]), ". Watch. "),
      element("button", {type: "button", class: "link", on: {click: () => this.#reveal()}}, "Tell me now"));
    this.play();
  }

  #reveal() {
    if (!this.guess) return;
    const {asked, place} = this.guess;
    const right = place === asked.answer;
    this.parts.predict.replaceChildren(
      element("p", {}, element("b", {}, right ? "As you said: " : `You said “${asked.choices[place]}”. It was: `), right ? "" : `${asked.choices[asked.answer]}. `, asked.because));
    this.guess = null;
  }

  #share() {
    const address = this.onShare ? this.onShare() : location.href;
    const done = (text) => { this.parts.live.textContent = text; this.parts.share.textContent = "Copied"; setTimeout(() => { this.parts.share.textContent = "Share"; }, 1500); };
    if (navigator.clipboard) navigator.clipboard.writeText(address).then(() => done("Address copied."), () => { this.parts.live.textContent = address; });
    else this.parts.live.textContent = address;
  }

  // First where the film begins, then where it ends.
  #film() {
    const {film} = this.parts;
    if (this.filmFrom === undefined) {
      this.filmFrom = this.time;
      film.textContent = "… to here";
      return;
    }
    const [from, to] = [this.filmFrom, this.time].sort((a, b) => a - b);
    this.filmFrom = undefined;
    film.textContent = "Film from here";
    if (to > from) this.onFilm(from, to, this.pace.wall(to) - this.pace.wall(from));
  }

  #changed() {
    if (this.onChange) this.onChange();
  }
}

function sentence(trace, n) {
  const took = duration(trace.end[n] - trace.at[n]), by = trace.servedBy(n);
  switch (trace.fates[n]) {
    case "hit": return `from the cache of ${by}, in ${took}`;
    case "stale": return `out of date, but at once, from ${by}, in ${took}`;
    case "blocked": return `blocked by ${by}; it never got further`;
    case "failed": return `${trace.outcome(n).replace("_", " ")}${trace.data.requests.status[n] ? ` (${trace.data.requests.status[n]})` : ""} after ${took}`;
    default: return `from ${by}, in ${took}`;
  }
}

function clock(t, until) {
  const digits = until < 10 ? 4 : until < 1000 ? 3 : 2;
  return `${t.toFixed(digits)} s of ${until.toFixed(1)}`;
}
