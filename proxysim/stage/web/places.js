// Where things stand on the canvas: boxes for nodes, points along links.

const NARROW = 560;
export const RADIUS = 6.5;

export class Places {
  constructor(trace, width) {
    const {nodes} = trace.data;
    this.trace = trace;
    this.width = width;
    this.upright = width < NARROW;
    const columns = [...new Set(nodes.map((node) => node.x))].sort((a, b) => a - b);
    const rows = columns.map((x) => nodes.filter((node) => node.x === x).length);
    const most = Math.max(...rows);
    if (this.upright) this.#standing(nodes, columns, width);
    else this.#lying(nodes, columns, most, width);
  }

  #lying(nodes, columns, most, width) {
    const far = this.trace.data.links.some(({between: [a, b]}) =>
      Math.abs(columns.indexOf(nodes[a].x) - columns.indexOf(nodes[b].x)) > 1);
    this.height = Math.max(far ? 430 : 330, 96 * most + 84);
    const boxWidth = Math.min(158, Math.max(106, (width - 40) / columns.length * 0.56));
    const side = 26 + boxWidth / 2;
    const top = 46, room = this.height - top - 26;
    this.boxes = nodes.map((node) => {
      const alike = nodes.filter((other) => other.x === node.x).length;
      const tall = {clients: 150, router: 74, server: 96}[node.kind] || (!node.cache ? 110 : far ? 150 : 186);
      const h = Math.min(tall, room / alike - 16);
      const x = side + node.x * (width - 2 * side);
      const y = Math.min(top + room - h / 2, Math.max(top + h / 2, top + node.y * room));
      return {x: x - boxWidth / 2, y: y - h / 2, w: boxWidth, h};
    });
  }

  #standing(nodes, columns, width) {
    const tall = (node) => ({clients: 64, router: 44, server: 84}[node.kind] || (node.cache ? 124 : 84));
    const gap = 74;
    let y = 34;
    const tops = new Map();
    for (const x of columns) {
      const h = Math.max(...nodes.filter((node) => node.x === x).map(tall));
      tops.set(x, {y, h});
      y += h + gap;
    }
    this.height = y - gap + 24;
    this.boxes = nodes.map((node) => {
      const alike = nodes.filter((other) => other.x === node.x).length;
      const room = (width - 16) / alike;
      const w = Math.min(170, room - 6);
      const {y: top, h: room2} = tops.get(node.x);
      const h = Math.min(tall(node), room2);
      const middle = Math.min(width - 10 - w / 2, Math.max(10 + w / 2, 8 + node.y * (width - 16)));
      return {x: middle - w / 2, y: top + (room2 - h) / 2, w, h};
    });
  }

  middle(icon) {
    const box = this.boxes[icon];
    return [box.x + box.w / 2, box.y + box.h / 2];
  }

  // Where the road from a leaves a's box, towards b.
  gate(a, b) {
    const box = this.boxes[a];
    const [x, y] = this.middle(a), [ox, oy] = this.middle(b);
    const apart = this.upright ? Math.abs(oy - y) > 20 : Math.abs(ox - x) <= 20;
    if (apart) return [x, oy > y ? box.y + box.h : box.y];
    const fan = Math.max(0, box.h / 2 - 16);
    return [ox > x ? box.x + box.w : box.x, y + Math.min(fan, Math.max(-fan, (oy - y) * 0.3))];
  }

  // A point so far along the road from a to b, off its middle by side (right of its direction).
  along(a, b, share, side = 0) {
    const [x0, y0] = this.gate(a, b), [x1, y1] = this.gate(b, a);
    const dx = x1 - x0, dy = y1 - y0, length = Math.hypot(dx, dy) || 1;
    return [x0 + dx * share - dy / length * side, y0 + dy * share + dx / length * side];
  }

  // Of a way over several icons.
  onWay(way, share, side) {
    const stretches = way.length - 1;
    const place = Math.min(stretches - 1, Math.floor(share * stretches));
    return this.along(way[place], way[place + 1], share * stretches - place, side);
  }

  // How wide the road between a and b is: that of the clients has most lanes.
  breadth(a, b) {
    const home = [a, b].some((icon) => this.trace.data.nodes[icon].kind === "clients");
    return home ? 46 : this.trace.data.links.length > 4 ? 26 : 38;
  }

  // How far off the middle a request goes: requests on one side, answers on the other.
  side(request, a, b) {
    const lane = (1 + this.trace.lane[request]) / 2;
    return 4.5 + lane * (this.breadth(a, b) / 2 - 10);
  }

  at(x, y) {
    return this.boxes.findIndex((box) =>
      x >= box.x && x <= box.x + box.w && y >= box.y && y <= box.y + box.h);
  }
}
