// One job as a list shows it: what it is, how urgent, where it stands, and what can be done about it.

import { api } from "./api.js";
import { change } from "./asks.js";
import { el, setText } from "./dom.js";
import { jobType, priorityWord, sentence, songs, statusWord, typeWord } from "./format.js";
import { targetName } from "./names.js";
import { barOf, progressBar, songBarOf } from "./progress-bar.js";

/** The badge that says a job's class, by colour and word. */
export function badge(priority) {
  return el("span", { class: "badge", "data-tone": priority ?? "low" }, priorityWord[priority] ?? "Waiting");
}

/** A row for `keyed`. `changed` is called when a name becomes known. */
export function jobCard(first, changed) {
  const id = first.job_id;
  const type = jobType(first);
  const href = { song: "#/song/", playlist: "#/playlist/" }[type];
  const name = href ? el("a", { href: href + encodeURIComponent(first.target_id) }) : el("span");
  const title = el("h3", {}, name);
  const detail = el("p", { class: "detail" });
  const bar = progressBar("Progress of this analysis");
  const songBar = progressBar("Progress of this song", { small: true });
  const pause = el("button", { type: "button", onclick: () => change(id, "paused", () => api.pause(id)) }, "Pause");
  const resume = el("button", { type: "button", onclick: () => change(id, "pending", () => api.resume(id)) }, "Resume");
  const cancel = el("button", { type: "button", class: "quiet", onclick: () => change(id, "cancelled", () => api.cancel(id)) }, "Cancel");
  const state = el("span", { class: "state" });
  const actions = el("div", { class: "actions" }, pause, resume, cancel);
  const element = el("article", { class: "job" },
    el("div", { class: "job-head" }, badge(first.priority), el("span", { class: "type" }, typeWord[type]), state),
    title, detail, songBar.element, bar.element, actions);

  function update(entry) {
    const running = entry.status === "in_progress";
    const target = targetName(entry, changed);
    element.dataset.tone = running || entry.isAsk ? entry.priority : "still";
    element.dataset.status = entry.status;
    setText(state, statusWord[entry.status] ?? entry.status);
    setText(name, target);
    setText(detail, detailOf(entry, type));
    detail.hidden = detail.textContent === "" || detail.textContent === state.textContent;
    for (const [button, verb] of [[pause, "Pause"], [resume, "Resume"], [cancel, "Cancel"]]) {
      button.setAttribute("aria-label", `${verb}: ${target}`);
    }
    const hadFocus = actions.contains(document.activeElement);
    actions.hidden = Boolean(entry.isAsk) || entry.status === "cancelled";
    pause.hidden = entry.status === "paused";
    resume.hidden = entry.status !== "paused";
    // The button that was pressed has gone; its counterpart has the focus then.
    if (hadFocus && document.activeElement === document.body) (pause.hidden ? resume : pause).focus();
    songBar.element.hidden = !(running && type !== "song" && entry.current_song);
    songBar.update(songBarOf(entry));
    bar.update({ ...barOf(entry), note: type === "song" || entry.isAsk ? "" : noteOf(entry) });
  }
  return { element, update };
}

function noteOf(entry) {
  const failed = entry.failed ? `, ${entry.failed} failed` : "";
  const left = entry.songs_left ? `, ${entry.songs_left.toLocaleString("en-GB")} more afterwards` : "";
  return `${entry.completed_items.toLocaleString("en-GB")} of ${songs(entry.total_items)}${failed}${left}`;
}

/** What is analysed, and at which stage; or what it waits for. */
function detailOf(entry, type) {
  if (entry.status !== "in_progress") return entry.status === "paused" ? "Goes on when you resume it" : waitOf(entry);
  const song = entry.current_song;
  const name = type === "song" ? song?.artist : song && [song.name, song.artist].filter(Boolean).join(" – ");
  return [name, sentence(entry.stage)].filter(Boolean).join(" · ");
}

/** "3rd in the queue, behind your Road trip". */
function waitOf(entry) {
  if (entry.isAsk || entry.status === "cancelled" || !entry.waiting_for) return entry.message ?? "";
  return entry.position > 0 ? `${ordinal(entry.position + 1)} in the queue, ${entry.waiting_for}` : sentence(entry.waiting_for);
}

function ordinal(place) {
  const suffix = { one: "st", two: "nd", few: "rd", other: "th" };
  return `${place}${suffix[new Intl.PluralRules("en", { type: "ordinal" }).select(place)]}`;
}
