// What does not move: zones of trust, roads, and the signs of the kinds of nodes.

import {duration, write} from "./words.js";

export function drawZones(c, {trace, places, colours}) {
  const {nodes, zones} = trace.data;
  zones.forEach((zone, number) => {
    const boxes = nodes.map((node, icon) => [node, places.boxes[icon]])
      .filter(([node]) => node.zone === zone).map(([, box]) => box);
    if (!zone || !boxes.length) return;
    const pad = 14;
    const x0 = Math.min(...boxes.map((box) => box.x)) - pad;
    const y0 = Math.min(...boxes.map((box) => box.y)) - pad - 12;
    const x1 = Math.max(...boxes.map((box) => box.x + box.w)) + pad;
    const y1 = Math.max(...boxes.map((box) => box.y + box.h)) + pad;
    c.beginPath();
    c.roundRect(Math.max(2, x0), Math.max(2, y0), Math.min(places.width - 4, x1 - Math.max(2, x0)), y1 - Math.max(2, y0), 14);
    c.fillStyle = colours.zones[number % colours.zones.length];
    c.fill();
    c.setLineDash([5, 5]);
    c.strokeStyle = colours.border;
    c.lineWidth = 1.2;
    c.stroke();
    c.setLineDash([]);
    write(c, zone, Math.max(2, x0) + 12, Math.max(2, y0) + 15, {size: 11, colour: colours.faint, weight: 600});
  });
}

export function drawRoad(c, link, {trace, places, colours}) {
  const [a, b] = link.between;
  const [x0, y0] = places.gate(a, b), [x1, y1] = places.gate(b, a);
  c.strokeStyle = colours.road;
  c.lineWidth = places.breadth(a, b);
  c.beginPath();
  c.moveTo(x0, y0);
  c.lineTo(x1, y1);
  c.stroke();
  c.strokeStyle = colours.lane;
  c.lineWidth = 1;
  c.setLineDash([7, 7]);
  c.beginPath();
  c.moveTo(x0, y0);
  c.lineTo(x1, y1);
  c.stroke();
  c.setLineDash([]);
  const text = link.latency ? duration(link.latency) : "";
  if (!text) return;
  const length = Math.hypot(x1 - x0, y1 - y0);
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  if (places.upright) {
    if (Math.abs(x1 - x0) < 24) write(c, text, x + places.breadth(a, b) / 2 + 6, y + 4, {size: 11, colour: colours.faint});
  } else if (length > 60 && Math.abs(y1 - y0) < 30) write(c, text, x, y - places.breadth(a, b) / 2 - 7, {size: 11, colour: colours.faint, align: "center"});
}

export function drawIcon(c, kind, x, y, colours) {
  c.save();
  c.translate(x, y);
  c.strokeStyle = c.fillStyle = colours.kinds[kind] || colours.ink;
  c.lineWidth = 1.7;
  c.lineCap = c.lineJoin = "round";
  c.beginPath();
  if (kind === "clients") {
    c.arc(0, -4, 3.4, 0, 7);
    c.moveTo(-6, 7);
    c.quadraticCurveTo(-6, 1, 0, 1);
    c.quadraticCurveTo(6, 1, 6, 7);
  } else if (kind === "server") {
    for (const y0 of [-7, -1.5, 4]) c.roundRect(-6.5, y0, 13, 4.2, 1.2);
  } else if (kind === "router") {
    c.arc(0, 0, 6.5, 0, 7);
    c.moveTo(-6.5, 0);
    c.lineTo(6.5, 0);
    c.ellipse(0, 0, 3, 6.5, 0, Math.PI / 2, -Math.PI * 1.5, true);
  } else {
    c.moveTo(0, -7.5);
    c.lineTo(6.5, -4.8);
    c.quadraticCurveTo(6.5, 4.5, 0, 7.5);
    c.quadraticCurveTo(-6.5, 4.5, -6.5, -4.8);
    c.closePath();
    const to = kind === "forward_proxy" ? 1 : -1;
    c.moveTo(-3 * to, 0);
    c.lineTo(3 * to, 0);
    c.lineTo(0.6 * to, -2.4);
    c.moveTo(3 * to, 0);
    c.lineTo(0.6 * to, 2.4);
  }
  c.stroke();
  c.restore();
}
