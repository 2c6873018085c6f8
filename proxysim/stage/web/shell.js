// The parts of the page around the stage, and what stands in them for one run.

import {element} from "./dom.js";
import {STATES, paintMark} from "./marks.js";
import {duration} from "./words.js";

export const SPEEDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100];
const CLIENTS = 200; // to choose from, those who ask most first

// Build the page for *player*; gives its parts by name.
export function shellOf(player) {
  const button = (id, text, title, call) =>
    element("button", {type: "button", id, title, ariaLabel: title, on: {click: call}}, text);
  const p = {
    title: element("h1"), question: element("p", {class: "question"}), watch: element("p", {class: "watch"}),
    stages: element("div", {class: "stages"}), charts: element("div", {class: "charts", ariaLabel: "charts"}),
    predict: element("div", {class: "predict", ariaLive: "polite", hidden: true}),
    problem: element("div", {class: "problem", role: "alert", hidden: true}),
    inspect: element("div", {class: "inspect"}), told: element("ol", {class: "told"}),
    clock: element("output", {id: "clock"}), rate: element("span", {class: "rate", id: "rate"}),
    live: element("p", {class: "unseen", role: "status"}), foot: element("footer"),
    scrub: element("input", {type: "range", id: "scrub", min: 0, max: 10000, value: 0, ariaLabel: "time",
      on: {input: () => player.seek(player.since + ((player.until - player.since) * Number(p.scrub.value)) / 10000)}}),
    flags: element("div", {class: "flags"}),
    speed: element("select", {id: "speed", ariaLabel: "speed", on: {change: () =>
      player.setSpeed(p.speed.value === "auto" ? null : Number(p.speed.value))}},
      element("option", {value: "auto"}, "a pace of its own"),
      ...SPEEDS.map((speed) => element("option", {value: String(speed)}, speed < 1 ? `1/${Math.round(1 / speed)} of real time` : speed === 1 ? "real time" : `${speed} times`))),
    events: element("select", {id: "events", ariaLabel: "jump to an event", on: {change: () => {
      if (p.events.value) player.jump(Number(p.events.value));
      p.events.value = "";
    }}}),
    follow: element("select", {id: "follow", ariaLabel: "follow one client", on: {change: () => player.follow(p.follow.value)}}),
    legend: element("ul", {class: "legend"}),
    top: element("div", {class: "top"}), settings: element("div", {class: "settings", hidden: true}),
    film: button("film", "Film from here", "a GIF: from here, then to here", () => player.filmHere()),
    share: button("share", "Share", "Copy the address of this moment", () => player.share()),
  };
  p.film.hidden = true;
  p.play = button("play", "▶", "play or pause (space)", () => (player.playing ? player.pause() : player.play()));
  player.root.replaceChildren(
    element("header", {}, element("div", {}, p.title, p.question, p.watch),
      element("div", {class: "tools"}, p.share,
        button("theme", "◐", "light or dark (t)", () => player.theme()),
        button("help", "?", "keys (h)", () => player.help()))),
    p.top,
    element("main", {},
      element("div", {class: "left"}, p.problem, p.predict, p.stages,
        element("div", {class: "transport"},
          button("start", "|◂◂", "to the beginning (Home)", () => { player.seek(player.since); }),
          button("back", "|◂", "one step back (,)", () => player.step(-1)), p.play,
          button("step", "▸|", "one step on (.)", () => player.step(1)),
          element("div", {class: "time"}, p.flags, p.scrub),
          p.clock,
          element("label", {}, "speed ", p.speed), p.rate,
          element("label", {class: "pick"}, "event ", p.events), element("label", {class: "pick"}, "follow ", p.follow), p.film),
        p.told, p.charts,
        element("details", {class: "box", open: true}, element("summary", {}, "What the marks mean"), p.legend)),
      element("aside", {}, element("section", {class: "box"}, element("h2", {}, "A closer look"), p.inspect), p.settings)),
    p.foot, p.live);
  return p;
}

// Title, question, and where the run comes from.
export function headed(player) {
  const {data} = player.panes[0].trace, p = player.parts;
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

// Events to jump to, and clients to follow.
export function menusOf(player) {
  const {trace} = player.panes[0], p = player.parts;
  const events = trace.data.events;
  p.events.replaceChildren(element("option", {value: ""}, events.length ? "jump to …" : "none in this run"),
    ...events.map((event) => element("option", {value: String(event.at), disabled: event.at > player.until}, `${duration(event.at)}: ${event.label}`)));
  p.events.disabled = !events.length;
  const span = player.until - player.since || 1;
  p.flags.replaceChildren(...events.filter((event) => event.at <= player.until).map((event) => {
    const flag = element("i", {title: event.label});
    flag.style.left = `${(100 * (event.at - player.since)) / span}%`;
    return flag;
  }));
  const asked = new Map();
  for (let n = 0; n < trace.count; n++) asked.set(trace.client(n), (asked.get(trace.client(n)) || 0) + 1);
  const most = [...asked].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0], "en", {numeric: true})).slice(0, CLIENTS);
  p.follow.replaceChildren(element("option", {value: ""}, "everybody"),
    ...most.map(([client, count]) => element("option", {value: client}, `${client} (${count})`)));
}

export function legendOf(list, colours) {
  const scale = window.devicePixelRatio || 1;
  list.replaceChildren(...Object.entries(STATES).map(([state, [name, says]]) => {
    const picture = element("canvas", {ariaHidden: "true"});
    picture.width = picture.height = 22 * scale;
    const c = picture.getContext("2d");
    c.setTransform(scale, 0, 0, scale, 11 * scale, 11 * scale);
    paintMark(c, state, 7.5, colours);
    return element("li", {}, picture, element("span", {}, element("b", {}, name), ` ${says}`));
  }));
}
