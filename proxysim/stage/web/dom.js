// Elements of the page. Text is only ever set as text: nothing in a scenario can be markup.

export function element(name, properties = {}, ...children) {
  const found = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "on") for (const [event, call] of Object.entries(value)) found.addEventListener(event, call);
    else if (key === "class") found.className = value;
    else if (key in found && key !== "list") found[key] = value;
    else found.setAttribute(key, value === true ? "" : value);
  }
  found.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return found;
}

export function table(head, rows, caption) {
  return element("div", {class: "scroll"}, element("table", {},
    caption ? element("caption", {}, caption) : null,
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", {scope: "col"}, text)))),
    element("tbody", {}, ...rows.map((row) =>
      element("tr", {class: row.chosen ? "chosen" : ""}, ...(row.cells || row).map((cell) => element("td", {}, cell)))))));
}
