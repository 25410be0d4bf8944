// Elements of the page, found and made.
export const $ = (id) => document.getElementById(id);

export function make(tag, text = "", parent = null, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  if (parent) parent.append(element);
  return element;
}

export function makeSvg(tag, attributes, parent) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

// The rows of a table, each a list of texts. On a narrow screen every cell has its title beside it.
export function fillTable(table, titles, rows) {
  table.replaceChildren();
  const head = make("tr", "", make("thead", "", table)), body = make("tbody", "", table);
  for (const title of titles) make("th", title, head);
  for (const cells of rows) {
    const row = make("tr", "", body);
    cells.forEach((cell, i) => { make("td", cell, row).dataset.title = titles[i]; });
  }
  return [...body.rows];
}

// A number from a field, within its bounds.
export const bounded = (input, low, high) => Math.max(low, Math.min(high, Math.round(Number(input.value)) || low));
