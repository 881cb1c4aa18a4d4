// Figures with their meaning one hover, tap or key away, and what an analyzer's own JSON says in readable form.

import { el, uniqueId } from "./dom.js";
import { number, sentence } from "./format.js";

/** One figure. `meaning` explains it; `note` stands below. Null where there is no value. */
export function figure(name, value, { note = "", meaning = "", children = [] } = {}) {
  if (value === null || value === undefined || value === false || value === "" || value === "–") return null;
  return el("div", { class: "figure-box" }, el("dt", {}, name, meaning ? hint(name, meaning) : null),
    el("dd", { class: "value" }, String(value)), note ? el("dd", { class: "soft" }, note) : null,
    ...children.filter(Boolean).map((child) => el("dd", {}, child)));
}

export function figures(...list) {
  const present = list.filter(Boolean);
  return present.length ? el("dl", { class: "figures" }, ...present) : null;
}

/** A button that tells what something means: shown while it is pointed at, and kept by a tap or key until the next one. */
export function hint(name, meaning) {
  const id = uniqueId("hint");
  const text = el("span", { class: "hint-text", id, role: "note", hidden: true }, meaning);
  let isKept = false;
  const show = (isShown) => {
    text.hidden = !isShown;
    button.setAttribute("aria-expanded", String(isShown));
    // Near the right edge it opens to the left.
    if (isShown) text.classList.toggle("leftwards", text.parentElement.getBoundingClientRect().left + 280 > innerWidth);
  };
  const button = el("button", {
    type: "button", class: "hint-button", "aria-label": `What does ${name} mean?`, "aria-expanded": "false", "aria-controls": id,
    onclick: () => { isKept = !isKept; show(isKept); },
    onblur: () => { isKept = false; show(false); },
    onkeydown: (event) => { if (event.key === "Escape") { isKept = false; show(false); } },
  }, "?");
  return el("span", {
    class: "hint", onpointerenter: (event) => { if (event.pointerType === "mouse") show(true); },
    onpointerleave: (event) => { if (event.pointerType === "mouse" && !isKept) show(false); },
  }, button, text);
}

const longestText = 160;
const deepest = 6;

/** Any JSON as nested lists of names and values; long lists of numbers as their range. */
export function jsonView(value, depth = 0) {
  if (value === null || value === undefined) return el("span", { class: "soft" }, "none");
  if (typeof value === "number") return el("span", {}, Number.isInteger(value) ? number(value, 0) : String(value).replace("-", "−"));
  if (typeof value === "boolean") return el("span", {}, value ? "yes" : "no");
  if (typeof value === "string") return textView(value);
  if (depth >= deepest) return el("code", {}, JSON.stringify(value));
  if (Array.isArray(value)) return listView(value, depth);
  const members = Object.entries(value);
  if (members.length === 0) return el("span", { class: "soft" }, "nothing");
  return el("dl", { class: "json" }, ...members.map(([name, member]) =>
    el("div", {}, el("dt", {}, sentence(name.replaceAll("_", " "))), el("dd", {}, jsonView(member, depth + 1)))));
}

function textView(text) {
  if (text.length <= longestText) return el("span", {}, text);
  return el("details", {}, el("summary", {}, `${text.slice(0, longestText / 2)}…`), el("p", { class: "long" }, text));
}

function listView(list, depth) {
  if (list.length === 0) return el("span", { class: "soft" }, "none");
  if (list.length > 12 && list.every((item) => typeof item === "number")) {
    const range = list.reduce(([least, most], item) => [Math.min(least, item), Math.max(most, item)], [Infinity, -Infinity]);
    return el("details", {}, el("summary", {}, `${list.length.toLocaleString("en-GB")} numbers from ${number(range[0], 2)} to ${number(range[1], 2)}`),
      el("p", { class: "long" }, list.slice(0, 500).join(", "), list.length > 500 ? "…" : ""));
  }
  if (list.every((item) => typeof item !== "object" || item === null) && list.length <= 12) {
    return el("span", {}, list.map((item) => String(item ?? "none")).join(", "));
  }
  const items = el("ol", { class: "json-list" }, ...list.slice(0, 100).map((item) => el("li", {}, jsonView(item, depth + 1))));
  return list.length <= 5 ? items : el("details", {}, el("summary", {}, `${list.length.toLocaleString("en-GB")} entries`), items);
}
