// Edits windows of the week such as "22:00-06:00" or "Mon,Tue 08:00-17:00": a row for each, with its days and its times.

import { el, setText } from "./dom.js";
import { sentence } from "./format.js";

const days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/**
 * `name` is what such windows are called: "quiet hours", say. `save(windows)` resolves to whether they were taken; what was refused
 * stays to be mended. `complain(text)` says why nothing was saved.
 */
export function hoursEditor(name, windows, save, complain) {
  const rows = el("div", { class: "stack" });
  const add = el("button", { type: "button", onclick: () => {
    const row = windowRow({ days: [...days], from: "22:00", to: "06:00" }, changed);
    rows.append(row.element);
    row.element.querySelector("input").focus();
    changed();
  } }, `Add ${name}`);
  const editors = new WeakMap();

  function windowRow(window, whenChanged) {
    const row = editor(name, window, whenChanged, () => {
      row.element.remove();
      add.focus();
      changed();
    });
    editors.set(row.element, row);
    return row;
  }

  function changed() {
    const all = [...rows.children].map((element) => editors.get(element));
    if (all.every((row) => row.isComplete())) save(all.map((row) => row.text()));
    else complain(`Not saved yet: all ${name} need a day and two different times. Remove those that you do not want.`);
  }

  rows.append(...windows.map((text) => windowRow(parse(text), changed).element));
  return el("div", { class: "stack hours" }, rows, el("div", {}, add));
}

function editor(name, window, changed, remove) {
  const chosen = new Set(window.days);
  const legend = el("legend", { class: "hidden" });
  const boxes = days.map((day, index) => {
    const input = el("input", { type: "checkbox", checked: chosen.has(day), "aria-label": names[index], onchange: () => {
      if (input.checked) chosen.add(day);
      else chosen.delete(day);
      describe();
      changed();
    } });
    return el("label", { class: "day" }, input, el("span", { "aria-hidden": "true" }, day));
  });
  const time = (label, value) => el("input", { type: "time", value, required: true, "aria-label": label, onchange: () => { describe(); changed(); } });
  const from = time("From", window.from);
  const to = time("To", window.to === "24:00" ? "00:00" : window.to);
  const button = el("button", { type: "button", class: "quiet", onclick: remove }, "Remove");
  const element = el("fieldset", { class: "window" }, legend, el("div", { class: "days" }, ...boxes),
    el("div", { class: "times" }, from, el("span", { class: "soft" }, "to"), to, button));

  const isComplete = () => chosen.size > 0 && Boolean(from.value && to.value) && (from.value !== to.value || from.value === "00:00");
  function text() {
    const span = `${from.value}-${to.value === "00:00" ? "24:00" : to.value}`;
    return chosen.size === days.length ? span : `${days.filter((day) => chosen.has(day)).join(",")} ${span}`;
  }
  function describe() {
    setText(legend, `${sentence(name)} ${from.value} to ${to.value}`);
    button.setAttribute("aria-label", `Remove ${name} ${from.value} to ${to.value}`);
  }
  describe();
  return { element, isComplete, text };
}

/** "Mon-Wed,Sat 08:00-17:00" → its days and times; the days are all where none are named. */
function parse(text) {
  const [span, named] = text.split(" ").reverse();
  const [from, to] = span.split("-");
  if (!named) return { days: [...days], from, to };
  const chosen = named.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map((day) => days.indexOf(day));
    const count = ((last - first + days.length) % days.length) + 1;
    return Array.from({ length: count }, (_, index) => days[(first + index) % days.length]);
  });
  return { days: chosen, from, to };
}
