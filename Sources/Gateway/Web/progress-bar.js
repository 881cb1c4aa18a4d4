// A bar that moves smoothly, with an estimate that counts down between two messages.

import { el, setText } from "/dom.js";
import { percent, timeLeft } from "/format.js";

const countingDown = new Set();
setInterval(() => {
  for (const bar of countingDown) {
    if (bar.element.isConnected) bar.tick();
    else if (bar.shown) countingDown.delete(bar);
  }
}, 1000);

/** `label` names the bar to screen readers; `small` leaves out the line with percentage and estimate. */
export function progressBar(label, { small = false } = {}) {
  const fill = el("div", { class: "bar-fill" });
  const track = el("div", {
    class: "bar-track", role: "progressbar", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100",
  }, fill);
  const figure = el("span", { class: "figure" });
  const aside = el("span", { class: "note" });
  const estimate = el("span", { class: "estimate" });
  const line = el("div", { class: "bar-line" }, figure, aside, estimate);
  const element = el("div", { class: small ? "bar small" : "bar" }, track, small ? null : line);
  const bar = { element, tick, update, shown: false };
  let deadline = null;

  function tick() {
    bar.shown = true;
    setText(estimate, deadline === null ? "" : timeLeft(Math.max(0, (deadline - performance.now()) / 1000)));
  }

  /** `tone` colours the bar: high, medium, low, done, bad or still. `note` stands beside the percentage, or beside `text`. */
  function update({ fraction, etaSeconds = null, tone = "low", note = "", text = percent(fraction) }) {
    fill.style.transform = `scaleX(${Math.max(0, Math.min(1, fraction))})`;
    element.dataset.tone = tone;
    track.setAttribute("aria-valuenow", String(Math.floor(fraction * 100)));
    track.setAttribute("aria-valuetext", text);
    setText(figure, text);
    setText(aside, note);
    deadline = etaSeconds === null ? null : performance.now() + etaSeconds * 1000;
    if (deadline === null) countingDown.delete(bar);
    else countingDown.add(bar);
    tick();
  }
  return bar;
}

/** What `update` needs, from a progress entry: only what is not at rest counts down, and time since it came is taken off. */
export function barOf(entry) {
  const age = (performance.now() - entry.receivedAt) / 1000;
  const counts = entry.eta_seconds !== null && entry.status !== "paused" && !entry.is_complete;
  return {
    fraction: entry.progress,
    etaSeconds: counts ? Math.max(0, entry.eta_seconds - age) : null,
    tone: toneOf(entry),
    text: entry.is_complete && entry.failed > 0 ? "Finished" : percent(entry.progress),
  };
}

function toneOf(entry) {
  if (entry.is_complete) return entry.completed_items > 0 ? "done" : "bad";
  return entry.status === "in_progress" ? entry.priority ?? "low" : "still";
}
