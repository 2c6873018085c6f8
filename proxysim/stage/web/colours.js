// The colours of the canvas, from the style sheet: light or dark, safe for colour-blind eyes.

const ONE = ["paper", "card", "ink", "faint", "border", "road", "lane", "grid", "slot", "busy", "full",
  "plain", "sealed", "retried", "hit", "stale", "miss", "answer", "blocked", "failed", "left", "shake", "probe"];

export function coloursOf(root) {
  const style = getComputedStyle(root);
  const of = (name) => style.getPropertyValue(`--${name}`).trim();
  const found = Object.fromEntries(ONE.map((name) => [name, of(name)]));
  found.zones = [1, 2, 3, 4].map((place) => of(`zone-${place}`));
  found.sites = [1, 2, 3, 4, 5, 6].map((place) => of(`site-${place}`));
  found.lines = [1, 2, 3, 4, 5, 6, 7, 8].map((place) => of(`line-${place}`));
  found.kinds = Object.fromEntries(["clients", "forward_proxy", "reverse_proxy", "server", "router"].map((kind) => [kind, of(`kind-${kind}`)]));
  return found;
}
