// A page whose runs are on it: from disk, in a notebook, on a site of documentation.

import {Player} from "./player.js";

const page = JSON.parse(document.getElementById("stage-data").textContent);
const player = new Player(document.getElementById("proxysim"));
window.proxysimStage = player;
const wanted = new URLSearchParams(location.hash.slice(1));
const speed = Number(wanted.get("speed"));
player.onShare = () => `${location.href.split("#")[0]}#${new URLSearchParams({t: player.time.toFixed(6), ...(player.speed === null ? {} : {speed: player.speed})})}`;
player.load(page.panes, page.labels, {
  predict: page.predict,
  time: Number(wanted.get("t")) || 0,
  speed: speed > 0 ? speed : null,
  play: !wanted.has("t"),
});
