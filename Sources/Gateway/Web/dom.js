// Builds elements. Text only ever becomes a text node, so nothing a title contains is markup.

/** Makes an element: `properties` are attributes (`class`, `aria-…`), `on…` listeners or DOM properties. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Sets the text of a node, and leaves it alone when nothing changed, so that screen readers are not told twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const rowsOf = new WeakMap();

/**
 * Makes the children of `parent` those of `items`, in order, keeping the element of every key that stays.
 * `create(item)` returns `{ element, update(item) }`.
 */
export function keyed(parent, items, key, create) {
  const before = rowsOf.get(parent) ?? new Map();
  const after = new Map();
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = key(item);
    const row = before.get(id) ?? create(item);
    row.update(item);
    after.set(id, row);
    if (row.element === place) place = place.nextElementSibling;
    else parent.insertBefore(row.element, place);
  }
  for (const [id, row] of before) if (!after.has(id)) row.element.remove();
  rowsOf.set(parent, after);
}
