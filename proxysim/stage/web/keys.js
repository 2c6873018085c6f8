// All of it by the keyboard.

import {element} from "./dom.js";

export function pressed(player, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && !(event.target.type === "range" && event.key === " ")) return;
  if (event.target.tagName === "BUTTON" && (event.key === " " || event.key === "Enter")) return;
  const events = player.panes.length ? player.panes[0].trace.data.events.map((found) => found.at) : [];
  const span = player.until - player.since;
  const keys = {
    " ": () => (player.playing ? player.pause() : player.play()),
    ".": () => player.step(1), ",": () => player.step(-1),
    ArrowRight: () => player.seek(player.time + span / 100), ArrowLeft: () => player.seek(player.time - span / 100),
    Home: () => player.seek(player.since), End: () => player.seek(player.until),
    "+": () => player.faster(1), "=": () => player.faster(1), "-": () => player.faster(-1), 0: () => player.setSpeed(null),
    "]": () => { const next = events.find((at) => at > player.time + 1e-6); if (next !== undefined) player.jump(next); },
    "[": () => { const before = events.findLast((at) => at < player.time - 1e-3); if (before !== undefined) player.jump(before); },
    s: () => player.nextNode(1), S: () => player.nextNode(-1),
    n: () => player.nextRequest(1), p: () => player.nextRequest(-1),
    f: () => player.followSelected(), t: () => player.theme(), h: () => player.help(), "?": () => player.help(),
    Escape: () => player.letGo(),
  };
  const call = keys[event.key];
  if (!call || !player.panes.length) return;
  event.preventDefault();
  call();
}

// The keys, in words.
export function keysTold(into) {
  const keys = [["space", "play or pause"], [". ,", "one step on, or back"], ["← →", "a hundredth of the time"], ["Home End", "beginning, end"],
    ["+ − 0", "faster, slower, a pace of its own"], ["[ ]", "event before, event after"], ["n p", "look into the next request, the one before"],
    ["s S", "look into the next proxy, server or group of clients, the one before"],
    ["f", "follow its client, or everybody again"], ["t", "light or dark"], ["Esc", "let go"]];
  into.replaceChildren(element("h3", {}, "Keys"),
    element("dl", {class: "keys"}, ...keys.flatMap(([key, says]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, says)])));
  into.scrollIntoView({block: "nearest"});
}
