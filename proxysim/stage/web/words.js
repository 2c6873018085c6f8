// Text on a canvas, and figures in words.

export function write(c, text, x, y, {size = 12, weight = 400, colour, align = "left"}) {
  c.font = `${weight} ${size}px system-ui, sans-serif`;
  c.textAlign = align;
  c.fillStyle = colour;
  c.fillText(text, x, y);
}

export function fitted(c, text, width, size, weight) {
  c.font = `${weight} ${size}px system-ui, sans-serif`;
  if (c.measureText(text).width <= width) return text;
  let kept = text.length;
  while (kept > 1 && c.measureText(`${text.slice(0, kept)}…`).width > width) kept--;
  return `${text.slice(0, kept)}…`;
}

// Seconds in words: 1.47 ms, 23 s, 2 min.
export function duration(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const size = Math.abs(seconds);
  const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)).replace(/\.0+$|(\.\d*[1-9])0+$/, "$1");
  if (size >= 120) return `${digits(seconds / 60)} min`;
  if (size >= 0.9995) return `${digits(seconds)} s`;
  if (size >= 0.9995e-3) return `${digits(seconds * 1e3)} ms`;
  return `${digits(seconds * 1e6)} µs`;
}
