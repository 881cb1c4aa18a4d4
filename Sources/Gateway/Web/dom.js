// Builds elements. Text only ever becomes a text node, so nothing a title contains is markup.

const drawn = new Set(["svg", "path", "g", "line", "circle", "text", "rect", "polyline", "title"]);

/** Makes an element: `properties` are attributes (`class`, `aria-…`), `on…` listeners or DOM properties. */
export function el(tag, properties = {}, ...children) {
  const isDrawn = drawn.has(tag);
  const node = isDrawn ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (!isDrawn && name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Sets the text of a node, and leaves it alone when nothing changed, so that screen readers are not told twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

const rowsOf = new WeakMap();

/**
 * Makes the children of `parent` those of `items`, in order, keeping the element of every key that stays.
 * `create(item)` returns `{ element, update(item) }`. Where `before` is given, the rows stand in front of it.
 */
export function keyed(parent, items, key, create, before = null) {
  const old = rowsOf.get(parent) ?? new Map();
  const rows = new Map();
  for (const item of items) {
    const id = key(item);
    const row = old.get(id) ?? create(item);
    row.update(item);
    rows.set(id, row);
  }
  for (const [id, row] of old) if (!rows.has(id)) row.element.remove();
  let next = before;
  for (const row of [...rows.values()].reverse()) {
    // Moving an element takes the focus from it, so only those out of place move.
    if (row.element.parentNode !== parent || row.element.nextSibling !== next) parent.insertBefore(row.element, next);
    next = row.element;
  }
  rowsOf.set(parent, rows);
}

let lastId = 0;

/** An id for an element that another one refers to. */
export function uniqueId(prefix) {
  lastId += 1;
  return `${prefix}-${lastId}`;
}

/** A card for a place that is empty, or that could not be loaded: what is so, and what can be done. */
export function emptyState(title, text, ...actions) {
  return el("div", { class: "empty" }, el("p", { class: "empty-title" }, title), text ? el("p", { class: "soft" }, text) : null,
    actions.length ? el("div", { class: "actions" }, ...actions) : null);
}

/** A card that says why something could not be loaded, and tries again. */
export function failedState(error, again) {
  return el("div", { role: "alert" },
    emptyState("This could not be loaded", error.message, el("button", { type: "button", onclick: again }, "Try again")));
}

/** What stands in a place until its content has come. */
export function skeleton(lines = 3) {
  return el("div", { class: "skeleton", "aria-busy": "true" }, el("span", { class: "hidden" }, "Loading…"),
    ...Array.from({ length: lines }, () => el("div", { class: "skeleton-line" })));
}
