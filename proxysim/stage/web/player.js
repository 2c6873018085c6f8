// The player: the clock, its controls, and everything that follows it.

import {Chart, chartsOf} from "./charts.js";
import {coloursOf} from "./colours.js";
import {element} from "./dom.js";
import {Painter} from "./draw.js";
import {Inspector} from "./inspect.js";
import {keysTold, pressed} from "./keys.js";
import {Pace} from "./pace.js";
import {SPEEDS, headed, legendOf, menusOf, shellOf} from "./shell.js";
import {clock, paceSays, sentence, situation, tally} from "./telling.js";
import {Trace, upTo} from "./trace.js";
import {duration} from "./words.js";

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
    this.parts = shellOf(this);
    this.painting = new ResizeObserver(() => this.#resize());
    this.painting.observe(this.parts.stages);
    this.dark.addEventListener("change", () => { this.#shade(); this.#resize(); });
    matchMedia("(prefers-reduced-motion: reduce)").addEventListener("change", (query) => {
      this.look.calm = query.matches;
    });
    document.addEventListener("keydown", (event) => pressed(this, event));
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
    menusOf(this);
    headed(this);
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
    if (speed === null) {
      this.parts.speed.options[0].textContent = `told in ${duration(Math.round(this.pace.length))}`;
    }
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

  #resize() {
    this.colours = coloursOf(document.documentElement);
    for (const pane of this.panes) {
      const width = pane.canvas.parentElement.clientWidth;
      if (width > 0) pane.painter.resize(width, this.colours);
    }
    for (const chart of this.charts || []) chart.resize();
    legendOf(this.parts.legend, this.colours);
    this.#draw();
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
      const text = tally(pane.trace, this.time, pane.painter.shelves.icons.length > 0);
      if (pane.tally.textContent !== text) pane.tally.textContent = text;
    }
    this.shown ??= performance.now(); // ms from the navigation to the first picture
    const p = this.parts;
    p.scrub.value = String(Math.round((10000 * (this.time - this.since)) / (this.until - this.since || 1)));
    p.clock.textContent = clock(this.time, this.until);
    const rate = this.pace.rate(this.time);
    p.rate.textContent = this.speed === null && rate > 0 ? `now ${paceSays(rate)}` : "";
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
    const text = situation(this.panes[0].trace, this.time);
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

  // The keyboard's click: one after the other of those under way.
  nextRequest(way) {
    const here = this.panes[0].trace.underWay(this.time);
    if (!here.length) return;
    const place = here.indexOf(this.look.selected);
    this.select(0, here[(place + way + here.length) % here.length]);
  }

  // From one node to the next, from left to right.
  nextNode(way) {
    const {nodes} = this.panes[0].trace.data;
    const order = [...nodes.keys()].sort((a, b) => nodes[a].x - nodes[b].x || nodes[a].y - nodes[b].y);
    const place = this.selection && this.selection.icon !== undefined ? order.indexOf(this.selection.icon) : way > 0 ? -1 : 0;
    this.lookInto(0, order[(place + way + order.length) % order.length]);
    this.parts.live.textContent = `A closer look at ${nodes[this.selection.icon].name}`;
  }

  followSelected() {
    if (this.look.follow !== null) this.follow(null);
    else if (this.selection && this.selection.n !== undefined) this.follow(this.panes[this.selection.place].trace.client(this.selection.n));
  }

  letGo() {
    this.selection = null;
    this.look.selected = -1;
    this.follow(null);
  }

  help() {
    keysTold(this.parts.inspect);
  }

  theme() {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    this.#resize();
  }

  #shade() {
    document.documentElement.dataset.theme = this.dark.matches ? "dark" : "light";
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
    const asked = this.asking, focused = this.parts.predict.contains(document.activeElement);
    this.guess = {asked, place};
    this.asking = null;
    this.parts.predict.replaceChildren(element("p", {}, "You say: ", element("b", {}, asked.choices[place]), ". Watch. "),
      element("button", {type: "button", class: "link", on: {click: () => this.#reveal()}}, "Tell me now"));
    if (focused) this.parts.predict.querySelector("button").focus();
    this.play();
  }

  #reveal() {
    if (!this.guess) return;
    const {asked, place} = this.guess;
    const right = place === asked.answer, focused = this.parts.predict.contains(document.activeElement);
    this.parts.predict.replaceChildren(
      element("p", {}, element("b", {}, right ? "As you said: " : `You said “${asked.choices[place]}”. It was: `), right ? "" : `${asked.choices[asked.answer]}. `, asked.because));
    this.guess = null;
    if (focused) this.parts.play.focus();
  }

  share() {
    const address = this.onShare ? this.onShare() : location.href;
    const done = (text) => { this.parts.live.textContent = text; this.parts.share.textContent = "Copied"; setTimeout(() => { this.parts.share.textContent = "Share"; }, 1500); };
    if (navigator.clipboard) navigator.clipboard.writeText(address).then(() => done("Address copied."), () => { this.parts.live.textContent = address; });
    else this.parts.live.textContent = address;
  }

  // First where the film begins, then where it ends.
  filmHere() {
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
