// What was said on each connection: the heads of a request's messages, as the run recorded them.

import {element, table} from "./dom.js";

// One message after the other, each with what its like before it did not say in bold.
export function headsOf(trace, n) {
  const {messages} = trace.data;
  if (!messages) return element("p", {}, "The run did not keep them: run it with explain=True, or --explain.");
  const first = (trace.data.headStarts ??= starts(messages.count))[n], count = messages.count[n];
  if (!count) return element("p", {}, messages.whole ? "No message was sent." : "The run kept those of its first requests only.");
  const before = [null, null];
  const rows = [];
  for (let place = first; place < first + count; place++) {
    const kind = messages.kind[place], answer = kind & 1;
    const lines = [messages.lines[messages.first[place]],
      ...messages.sets[messages.fields[place]].map((line) => messages.lines[line])];
    const known = before[answer];
    const said = lines.map((line) => element(known && !known.has(line) ? "b" : "span", {}, `${line}\n`));
    before[answer] = new Set(lines);
    const ends = `${messages.names[messages.sender[place]]} → ${messages.names[messages.receiver[place]]}`;
    rows.push([element("span", {}, ends, kind & 2 ? element("em", {class: "quiet"}, " inside TLS") : null), element("code", {}, ...said)]);
  }
  return table(["from → to", "what was said; bold: new or changed since it was last said"], rows);
}

function starts(counts) {
  let sum = 0;
  return counts.map((count) => (sum += count) - count);
}
