// One job as a list shows it: what it is, how urgent, where it stands, and what can be done about it.

import { api } from "/api.js";
import { el, setText } from "/dom.js";
import { jobType, priorityWord, sentence, songs, statusWord, typeWord } from "/format.js";
import { targetName } from "/names.js";
import { barOf, progressBar } from "/progress-bar.js";
import { act } from "/toast.js";

/** The badge that says a job's class, by colour and word. */
export function badge(priority) {
  return el("span", { class: "badge", "data-tone": priority ?? "low" }, priorityWord[priority] ?? "Waiting");
}

/** A row for `keyed`. `changed` is called when a name becomes known. */
export function jobCard(first, changed) {
  const id = first.job_id;
  const title = el("h3", {});
  const detail = el("p", { class: "soft detail" });
  const bar = progressBar("Progress of this analysis");
  const songBar = progressBar("Progress of this song", { small: true });
  const pause = el("button", { type: "button", onclick: () => act(pause, () => api.pause(id)) }, "Pause");
  const resume = el("button", { type: "button", onclick: () => act(resume, () => api.resume(id)) }, "Resume");
  const cancel = el("button", { type: "button", class: "quiet", onclick: () => act(cancel, () => api.cancel(id)) }, "Cancel");
  const state = el("span", { class: "state" });
  const element = el("article", { class: "job" },
    el("div", { class: "job-head" }, badge(first.priority), state),
    title, detail, songBar.element, bar.element, el("div", { class: "actions" }, pause, resume, cancel));

  function update(entry) {
    const running = entry.status === "in_progress";
    const type = jobType(entry);
    const name = targetName(entry, changed);
    element.dataset.tone = running ? entry.priority : "still";
    setText(state, statusWord[entry.status] ?? entry.status);
    setText(title, type === "song" ? name : `${typeWord[type]}: ${name}`);
    setText(detail, detailOf(entry, type));
    detail.hidden = detail.textContent === "" || detail.textContent === state.textContent;
    for (const [button, verb] of [[pause, "Pause"], [resume, "Resume"], [cancel, "Cancel"]]) {
      button.setAttribute("aria-label", `${verb} ${name}`);
    }
    pause.hidden = entry.status === "paused";
    resume.hidden = entry.status !== "paused";
    songBar.element.hidden = !(running && type !== "song" && entry.current_song);
    songBar.update({ fraction: entry.step_progress, tone: entry.priority });
    bar.update({ ...barOf(entry), note: type === "song" ? "" : `${entry.completed_items} of ${songs(entry.total_items)}` });
  }
  return { element, update };
}

/** What is analysed, and at which stage; or what it waits for. */
function detailOf(entry, type) {
  if (entry.status !== "in_progress") return entry.message;
  const song = entry.current_song;
  const name = type === "song" ? song?.artist : song && [song.name, song.artist].filter(Boolean).join(" – ");
  return [name, sentence(entry.stage)].filter(Boolean).join(" · ");
}
