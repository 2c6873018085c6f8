// The page of `proxysim play`: settings and scenes, and runs made anew by its server.

import {element} from "./dom.js";
import {Player} from "./player.js";
import {duration} from "./words.js";

const STEPS = 1000, STEP = 10; // of a slider, and what a key moves it by
const FILM = [2, 15]; // s that a film lasts, at least and at most

class Live {
  constructor(root) {
    this.player = new Player(root);
    this.settings = new Map(); // path -> value
    this.versus = "";
    this.seed = "";
    this.scene = -1;
    this.asked = 0;
    this.player.onShare = () => this.#address(true);
    this.player.onChange = () => this.#remember();
    this.player.onFilm = (from, to, wall) => this.#film(from, to, wall);
    this.player.parts.film.hidden = false;
    const {top, settings} = this.player.parts;
    this.scenes = element("nav", {class: "scenes", ariaLabel: "scenes"});
    this.text = element("p", {class: "scene-text"});
    this.picker = element("select", {id: "scenario", ariaLabel: "scenario", on: {change: () => this.#open(this.picker.value)}});
    top.replaceChildren(this.scenes, this.text);
    settings.hidden = false;
    this.form = element("form", {id: "settings", on: {submit: (event) => event.preventDefault()}});
    settings.replaceChildren(element("h2", {}, "Change it"), this.form);
    window.addEventListener("popstate", () => this.#fromAddress());
  }

  async start() {
    try {
      this.known = await (await fetch("scenarios")).json();
    } catch {
      this.#gone(() => this.start());
      return;
    }
    this.picker.replaceChildren(...this.known.names.map((name) => element("option", {value: name}, name)));
    this.#fromAddress();
  }

  #fromAddress() {
    const told = new URLSearchParams(location.search);
    this.name = told.get("scenario") || this.known.first || this.known.names[0];
    this.settings = new Map(told.getAll("set").map((text) => {
      const cut = text.indexOf("=");
      return [text.slice(0, cut), value(text.slice(cut + 1))];
    }));
    this.versus = told.get("vs") || "";
    this.seed = told.get("seed") || "";
    this.scene = told.has("scene") ? Number(told.get("scene")) : -1;
    this.unknown = [...told.keys()].filter((key) => !["scenario", "set", "vs", "seed", "scene", "t", "speed"].includes(key));
    const ladder = this.known.scenes[this.name] || [];
    const bare = !location.search && ladder.length;
    const time = Number(told.get("t")) || 0, speed = Number(told.get("speed"));
    if (bare) { this.#play(0); return; }
    this.run({time, speed: speed > 0 ? speed : null, play: !told.has("t"), predict: told.has("t") ? null : this.#prediction()});
  }

  #open(name) {
    this.name = name;
    this.settings.clear();
    this.versus = this.seed = "";
    this.scene = -1;
    if ((this.known.scenes[name] || []).length) this.#play(0); else this.run();
  }

  // The scene of this number, from its beginning.
  #play(place) {
    const scene = this.known.scenes[this.name][place];
    this.scene = place;
    this.settings = new Map(Object.entries(scene.settings));
    this.versus = scene.versus[0] || "";
    this.seed = "";
    this.run({predict: scene.predict});
  }

  #prediction() {
    const scene = (this.known.scenes[this.name] || [])[this.scene];
    return scene ? scene.predict : null;
  }

  // Have the server make the run anew, and show it.
  async run(options = {}) {
    const number = ++this.asked;
    this.player.root.setAttribute("aria-busy", "true");
    let found, problem = "";
    try {
      const answer = await fetch(`run?${this.#query()}`);
      const said = await answer.json();
      if (answer.ok) found = said; else problem = said.problem;
    } catch {
      if (number === this.asked) this.#gone(() => this.run(options));
      return;
    } finally {
      if (number === this.asked) this.player.root.removeAttribute("aria-busy");
    }
    if (number !== this.asked) return; // a later one is on its way
    if (!problem && this.unknown && this.unknown.length) problem = `The address has settings that nobody knows: ${this.unknown.join(", ")}.`;
    if (problem) {
      this.player.problem(problem, {label: "Back to the scenario as it is", call: () => {
        this.unknown = [];
        this.#open(this.known.names.includes(this.name) ? this.name : this.known.first || this.known.names[0]);
      }});
      return;
    }
    this.found = found;
    this.player.load(found.panes, found.labels, {speed: this.player.pace ? this.player.speed : null, ...options});
    this.#controls();
    this.#ladder();
    this.#remember();
  }

  async #film(from, to, wall) {
    const told = this.#query();
    told.append("from", String(from));
    told.append("to", String(to));
    told.append("seconds", Math.min(FILM[1], Math.max(FILM[0], wall)).toFixed(2));
    const {film} = this.player.parts;
    film.disabled = true;
    try {
      const answer = await fetch(`film?${told}`);
      if (!answer.ok) {
        this.player.problem((await answer.json()).problem, {label: "Back", call: () => {}});
        return;
      }
      const address = URL.createObjectURL(await answer.blob());
      element("a", {href: address, download: `${this.name}.gif`}).click();
      setTimeout(() => URL.revokeObjectURL(address), 60000);
      this.filmed = from;
    } catch {
      this.#gone(() => {});
    } finally {
      film.disabled = false;
    }
  }

  #gone(again) {
    this.player.problem(`The server of this page does not answer any more. Start it again with: ${this.known ? this.known.command : "proxysim play"}`,
      {label: "Try again", call: again});
  }

  #query() {
    const told = new URLSearchParams({scenario: this.name});
    for (const [path, value] of this.settings) told.append("set", `${path}=${JSON.stringify(value)}`);
    if (this.versus) told.append("vs", this.versus);
    if (this.seed !== "") told.append("seed", this.seed);
    return told;
  }

  #address(whole) {
    const told = this.#query();
    if (this.scene >= 0) told.append("scene", String(this.scene));
    if (this.player.speed !== null && this.player.speed !== undefined) told.append("speed", String(this.player.speed));
    if (whole) told.append("t", this.player.time.toFixed(6));
    return `${location.origin}/?${told}`;
  }

  #remember() {
    if (this.found) history.replaceState(null, "", this.#address(!this.player.playing && this.player.time > this.player.since));
  }

  #set(path, value) {
    const before = this.found.defaults[path];
    if (before === value) this.settings.delete(path); else this.settings.set(path, value);
    this.run();
  }

  #ladder() {
    const ladder = this.known.scenes[this.name] || [], focused = this.scenes.contains(document.activeElement);
    this.scenes.replaceChildren(...ladder.map((scene, place) => element("button", {
      type: "button", "aria-current": place === this.scene ? "step" : null, on: {click: () => this.#play(place)}},
      `${place + 1}. ${scene.title}`)));
    if (focused && this.scene >= 0) this.scenes.children[this.scene].focus();
    const scene = ladder[this.scene];
    this.text.textContent = scene ? scene.text : "";
    this.text.hidden = !scene;
    this.player.parts.watch.hidden = Boolean(scene); // which is of the whole scenario
  }

  #controls() {
    const open = new Set([...this.form.querySelectorAll("details[open]")].map((part) => part.dataset.group));
    const focused = document.activeElement ? document.activeElement.id : "";
    const groups = new Map();
    for (const control of this.found.controls) {
      if (!groups.has(control.group)) groups.set(control.group, []);
      groups.get(control.group).push(control);
    }
    for (const [path, value] of this.settings) {
      if (value !== null && !(Array.isArray(value) && !value.length)) continue;
      const parts = path.split(".");
      if (parts[0] === "nodes" && parts.length === 3 && groups.has(parts[1])) {
        groups.get(parts[1]).push({path, label: parts[2], kind: "part", value: false});
      }
    }
    const first = open.size === 0;
    this.picker.value = this.name;
    const seed = element("input", {type: "number", id: "seed", min: 0, step: 1, value: this.seed === "" ? String(this.found.seed) : this.seed,
      on: {change: () => { this.seed = seed.value; this.run(); }}});
    this.form.replaceChildren(
      row("scenario", this.picker), row("beside it", this.#versusMenu()), row("seed", seed),
      ...[...groups].map(([name, controls], place) => {
        const box = element("details", {open: first ? place < 2 : open.has(name)}, element("summary", {}, name),
          ...controls.map((control) => this.#control(control)));
        box.dataset.group = name;
        return box;
      }),
      this.settings.size || this.versus ? element("button", {type: "button", id: "reset", on: {click: () => {
        this.settings.clear();
        this.versus = this.seed = "";
        this.scene = -1;
        this.run();
      }}}, "Back to the scenario as it is") : "");
    if (focused) document.getElementById(focused)?.focus();
  }

  #versusMenu() {
    const menu = element("select", {id: "versus", on: {change: () => { this.versus = menu.value; this.run(); }}},
      element("option", {value: ""}, "nothing"));
    const without = this.found.proxies.map((name) => [`without ${name}`, `without ${name}`]);
    menu.append(...without.map(([value, text]) => element("option", {value}, text)));
    for (const control of this.found.controls) {
      const others = control.kind === "menu" ? control.options.filter((option) => option !== control.value).map((option) => [`${control.path}=${option}`, option.replaceAll("_", " ")])
        : control.kind === "part" ? [[`${control.path}=${control.label === "filters" ? "[]" : "null"}`, "none"]] : [];
      if (others.length) {
        menu.append(element("optgroup", {label: `${control.group}: ${control.label}`},
          ...others.map(([value, text]) => element("option", {value}, text))));
      }
    }
    if (this.versus && ![...menu.querySelectorAll("option")].some((option) => option.value === this.versus)) {
      menu.append(element("option", {value: this.versus}, this.versus));
    }
    menu.value = this.versus;
    return menu;
  }

  #control(control) {
    const id = `set-${control.path}`;
    if (control.kind === "menu") {
      const menu = element("select", {id, on: {change: () => this.#set(control.path, menu.value)}},
        ...control.options.map((option) => element("option", {value: option}, option.replaceAll("_", " "))));
      menu.value = control.value;
      return row(control.label, menu, control.title);
    }
    if (control.kind === "switch" || control.kind === "part") {
      const box = element("input", {type: "checkbox", id, checked: control.value, on: {change: () => {
        if (control.kind === "switch") this.#set(control.path, box.checked);
        else {
          if (box.checked) this.settings.delete(control.path); else this.settings.set(control.path, control.label === "filters" ? [] : null);
          this.run();
        }
      }}});
      return element("label", {class: "row", title: control.title}, element("span", {}, control.label, box));
    }
    const told = element("output", {}, quantity(control, control.value));
    const slider = element("input", {type: "range", id, min: 0, max: STEPS, step: STEP, value: placed(control, control.value), on: {
      input: () => { told.textContent = quantity(control, chosen(control, slider.value)); },
      change: () => this.#set(control.path, chosen(control, slider.value)),
    }});
    slider.setAttribute("aria-valuetext", told.textContent);
    return element("label", {class: "row", title: control.title}, element("span", {}, control.label, told), slider);
  }
}

function row(label, field, title) {
  return element("label", {class: "row", title}, element("span", {}, label), field);
}

function value(text) {
  try { return JSON.parse(text); } catch { return text; }
}

function placed({low, high, log}, value) {
  return log ? (STEPS * Math.log(value / low)) / Math.log(high / low) : (STEPS * (value - low)) / (high - low);
}

function chosen({low, high, log, whole}, place) {
  const share = Number(place) / STEPS;
  const found = log ? low * (high / low) ** share : low + (high - low) * share;
  return whole ? Math.max(1, Math.round(found)) : Number(found.toPrecision(3));
}

function quantity({quantity: kind}, value) {
  const big = (number, unit) => {
    for (const [size, prefix] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) if (number >= size) return `${Number((number / size).toPrecision(3))} ${prefix}${unit}`;
    return `${Number(number.toPrecision(3))} ${unit}`;
  };
  switch (kind) {
    case "time": return duration(value);
    case "share": return `${(100 * value).toFixed(0)} %`;
    case "size": return big(value, "B");
    case "bandwidth": return big(8 * value, "bit/s");
    case "rate": return `${Number(value.toPrecision(3))} /s`;
    default: return value.toLocaleString("en", {maximumSignificantDigits: 4});
  }
}

const live = new Live(document.getElementById("proxysim"));
window.proxysimStage = live.player;
window.proxysimPlay = live;
live.start();
