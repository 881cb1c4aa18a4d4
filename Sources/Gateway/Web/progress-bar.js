// A bar that moves smoothly by the estimate and never backwards, with a countdown that does not jump about.

import { el, setAttribute, setText } from "./dom.js";
import { percent, timeLeft } from "./format.js";

const step = 500;
const furthestAhead = 4_000;
const bars = new Set();
setInterval(() => {
  for (const bar of bars) {
    if (bar.element.isConnected) bar.tick();
    else if (bar.wasShown) bars.delete(bar);
  }
}, step);

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
  const bar = { element, tick, update, wasShown: false };
  let state = null;
  let shown = 0;
  let deadline = null;

  function tick() {
    bar.wasShown ||= element.isConnected;
    if (!state) return;
    setText(estimate, deadline === null ? "" : timeLeft(Math.max(0, (deadline - performance.now()) / 1000)));
    move(expected());
  }

  /** Where the estimate has the bar at the next tick, no further ahead of the last message than it is worth. */
  function expected() {
    if (state.etaSeconds === null || state.fraction >= 1) return state.fraction;
    const ahead = Math.min(furthestAhead, performance.now() + step - state.at);
    const share = ahead / 1000 / Math.max(state.etaSeconds, ahead / 1000 + 0.5);
    return Math.min(0.995, state.fraction + (1 - state.fraction) * share);
  }

  function move(fraction) {
    const next = Math.max(shown, Math.max(0, Math.min(1, fraction)));
    if (next === shown && fill.style.transform) return;
    shown = next;
    fill.style.transform = `scaleX(${shown})`;
  }

  /**
   * `tone` colours the bar: high, medium, low, done, bad or still. `note` stands beside the percentage, or beside `text`.
   * `subject` tells what the bar is about: where it becomes another, the bar may go back.
   */
  function update({ fraction, etaSeconds = null, tone = "low", note = "", text = percent(fraction), subject = "" }) {
    const isNew = !state || state.subject !== subject;
    if (isNew) { shown = 0; fill.style.transform = ""; }
    const isUrgent = isNew || fraction >= 1 || tone !== state.tone;
    state = { fraction, etaSeconds, tone, subject, at: performance.now() };
    setAttribute(element, "data-tone", tone);
    setAttribute(track, "aria-valuenow", String(Math.floor(fraction * 100)));
    setAttribute(track, "aria-valuetext", text);
    setText(figure, text);
    setText(aside, note);
    settle(etaSeconds);
    bars.add(bar);
    if (isUrgent) tick();
  }

  /** A little more or less than was thought is not worth a word. */
  function settle(etaSeconds) {
    if (etaSeconds === null) { deadline = null; return; }
    const next = performance.now() + etaSeconds * 1000;
    if (deadline === null || Math.abs(next - deadline) > Math.max(2_000, etaSeconds * 60)) deadline = next;
  }
  return bar;
}

/** What `update` needs, from a progress entry: only what runs counts down, and time since it came is taken off. */
export function barOf(entry) {
  const age = (performance.now() - (entry.receivedAt ?? performance.now())) / 1000;
  const counts = entry.eta_seconds !== null && !["paused", "asked"].includes(entry.status) && !entry.is_complete;
  return {
    fraction: entry.progress,
    etaSeconds: counts ? Math.max(0, entry.eta_seconds - age) : null,
    tone: toneOf(entry),
    text: entry.is_complete && entry.failed > 0 ? "Finished" : percent(entry.progress),
    subject: `${entry.job_id} ${entry.basis}`,
  };
}

/** The same of the song that the entry's job is at. */
export function songBarOf(entry) {
  const fraction = entry.job_type === "song_analysis" ? entry.progress : entry.step_progress;
  return { fraction, tone: entry.priority ?? "low", subject: `${entry.current_song?.id} ${entry.basis}` };
}

function toneOf(entry) {
  if (entry.is_complete) return entry.completed_items > 0 ? "done" : "bad";
  return entry.status === "in_progress" || entry.status === "asked" ? entry.priority ?? "low" : "still";
}
