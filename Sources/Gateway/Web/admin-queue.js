// The queue as a whole: what holds it back, its classes, what runs, what waits, and clearing it.

import { pagedList } from "./admin.js";
import { el, emptyState, keyed, setText } from "./dom.js";
import { ago, percent, priorityWord, sentence, songs, span, statusWord, typeWord } from "./format.js";
import { confirmed } from "./confirm.js";
import { badge } from "./job-card.js";
import { progressBar } from "./progress-bar.js";
import { nameOf } from "./story.js";
import { act, toast } from "./toast.js";

const expiries = [["0", "until it is resumed"], ["900", "for 15 minutes"], ["3600", "for an hour"], ["28800", "for 8 hours"]];
const states = ["in_progress", "pending", "scheduled", "paused", "completed", "failed", "cancelled"];
const clearings = [["", "all jobs"], ["song", "songs"], ["playlist", "playlists"], ["background", "background work"]];

export function part({ api, again }) {
  const holds = el("div", { class: "stack" });
  const pause = pauseForm(api, show);
  const totals = el("dl", { class: "totals" });
  const classes = el("tbody");
  const running = el("div", { class: "stack" });
  const idle = el("div", {}, emptyState("Nothing is being analysed", "Work that waits is claimed as soon as a worker is free."));
  const waiting = el("div", { class: "stack" });
  const none = el("div", {}, emptyState("Nothing waits", ""));
  const more = el("button", { type: "button", hidden: true, onclick: () => act(more, showMore) }, "Show more");
  const element = el("div", { class: "stack sections" }, holds,
    el("section", { class: "card result", "aria-labelledby": "queue-classes" }, el("h2", { id: "queue-classes" }, "By priority"),
      el("div", { class: "scrolls" }, el("table", { class: "figures-table" },
        el("thead", {}, el("tr", {}, ...["Priority", "Waiting", "Longest wait", "Ended last hour", "Waited", "Took"].map((text) => el("th", { scope: "col" }, text)))),
        classes)), totals),
    el("section", { "aria-labelledby": "queue-running" }, el("h2", { id: "queue-running" }, "Running"), idle, running),
    el("section", { "aria-labelledby": "queue-waiting" }, el("h2", { id: "queue-waiting" }, "In line"), none, waiting, more),
    el("section", { class: "card result", "aria-labelledby": "queue-control" }, el("h2", { id: "queue-control" }, "Control"), pause.element, el("hr"), clearRow(api, again)));
  const jobs = pagedList(api.jobs, "jobs");

  function show(queue) {
    pause.show(queue.pause);
    keyed(holds, holdsOf(queue), (hold) => hold.text, (hold) => ({ element: el("p", { class: "notice", "data-tone": hold.tone }, hold.text), update() {} }));
    keyed(totals, states.map((state) => [state, queue.counts[state]]), ([state]) => state, totalRow);
    keyed(classes, queue.classes.map((row) => ({ ...row, isCut: queue.ended_is_cut })), (row) => row.priority, classRow);
    keyed(running, queue.running, ({ job }) => job.job_id, runningCard);
    idle.hidden = queue.running.length > 0;
  }

  async function refresh() {
    const [queue, listed] = await Promise.all([api.queue(), jobs.items()]);
    show(queue);
    const inLine = listed.filter((job) => job.status !== "in_progress");
    keyed(waiting, inLine, (job) => job.job_id, (job) => waitingRow(job, api, again));
    none.hidden = inLine.length > 0;
    more.hidden = !jobs.hasMore;
  }

  async function showMore() {
    jobs.more();
    await again();
  }
  return { element, refresh };
}

/** Why something that waits is not begun. */
function holdsOf({ pause, hold, breakers }) {
  const until = (iso) => (iso ? ` until ${new Date(iso).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" })}` : "");
  return [
    pause && { tone: "medium", text: `The queue is paused${until(pause.until)}, since ${ago(pause.paused_at)}: ${pause.reason}` },
    hold && { tone: "low", text: `Background work is held back${until(hold.until)}: ${hold.reason}` },
    ...breakers.map((breaker) => ({ tone: "bad", text: `The analyzer ${breaker.analyzer} fails with every song: ${breaker.reason}. One song is tried now and then, next${until(breaker.probe_at).replace(" until", " at")}.` })),
  ].filter(Boolean);
}

function pauseForm(api, show) {
  const reason = el("input", { id: "pause-reason", required: true, maxlength: "200", placeholder: "Why, for everybody who looks" });
  const seconds = el("select", { id: "pause-seconds" }, ...expiries.map(([value, text]) => el("option", { value }, text)));
  const freeze = el("input", { type: "checkbox" });
  const button = el("button", { type: "submit" }, "Pause the queue");
  const form = el("form", { class: "row", onsubmit: async (event) => {
    event.preventDefault();
    const queue = await act(button, () => api.pause({ reason: reason.value, seconds: Number(seconds.value), freeze: freeze.checked }));
    if (!queue) return;
    form.reset();
    show(queue);
    resume.focus();
  } }, el("div", {}, el("label", { for: "pause-reason" }, "Reason"), reason), el("div", {}, el("label", { for: "pause-seconds" }, "How long"), seconds),
  el("label", { class: "choice" }, freeze, el("span", {}, "Freeze what runs, too")), button);
  const resume = el("button", { type: "button", class: "primary", onclick: async () => {
    const queue = await act(resume, () => api.resume());
    if (queue) show(queue);
  } }, "Resume the queue");
  const paused = el("div", { class: "line", hidden: true }, el("p", {}, "New work is still taken; none is begun."), el("div", { class: "actions" }, resume));
  return { element: el("div", {}, form, paused), show: (pause) => { form.hidden = Boolean(pause); paused.hidden = !pause; } };
}

function clearRow(api, again) {
  const what = el("select", { id: "clear-what" }, ...clearings.map(([value, text]) => el("option", { value }, text)));
  const button = el("button", { type: "button", class: "danger", onclick: async () => {
    const text = what.selectedOptions[0].textContent;
    if (!await confirmed(`Cancel ${text} of everybody?`, "Cancel them", "What runs is stopped, too. What was analysed stays.")) return;
    const answer = await act(button, () => api.clear(what.value));
    if (answer) toast(answer.message);
    again();
  } }, "Cancel them all");
  return el("div", { class: "row" }, el("div", {}, el("label", { for: "clear-what" }, "Clear the queue of"), what), button);
}

function totalRow([state]) {
  const value = el("dd");
  return { element: el("div", {}, el("dt", {}, statusWord[state]), value), update: ([, next]) => setText(value, next.toLocaleString("en-GB")) };
}

function classRow(first) {
  const cells = Array.from({ length: 5 }, () => el("td"));
  const element = el("tr", {}, el("th", { scope: "row", "data-tone": first.priority, class: "classed" }, priorityWord[first.priority]), ...cells);
  function update(row) {
    const waited = row.waiting_since ? span((Date.now() - new Date(row.waiting_since)) / 1000) : "–";
    const texts = [row.waiting.toLocaleString("en-GB"), waited, `${row.ended_last_hour.toLocaleString("en-GB")}${row.isCut && row.ended_last_hour ? "+" : ""}`, seconds(row.waited_seconds), seconds(row.took_seconds)];
    cells.forEach((cell, index) => setText(cell, texts[index]));
  }
  return { element, update };
}

const seconds = (value) => (value === null ? "–" : value < 1 ? `${value.toFixed(1)} s` : span(value));

function jobLink(job) {
  return el("a", { href: `#/admin/job/${encodeURIComponent(job.job_id)}` }, sentence(nameOf(job)));
}

function runningCard({ job: first }) {
  const bar = progressBar(`Progress of ${nameOf(first)}`);
  const detail = el("p", { class: "detail" });
  const element = el("article", { class: "job", "data-tone": first.priority },
    el("div", { class: "job-head" }, badge(first.priority), el("span", { class: "type" }, typeWord[first.type]), el("span", {}, first.job_id)),
    el("h3", {}, jobLink(first)), detail, bar.element);
  function update({ job, progress }) {
    const song = progress?.current_song;
    setText(detail, [song?.name, sentence(progress?.stage ?? ""), job.started_at && `began ${ago(job.started_at)}`].filter(Boolean).join(" · "));
    bar.element.hidden = !progress;
    if (progress) bar.update({ fraction: progress.progress, etaSeconds: progress.eta_seconds, tone: job.priority, text: percent(progress.progress),
      note: job.type === "song" ? "" : `${progress.completed_items.toLocaleString("en-GB")} of ${songs(progress.total_items)}`, subject: `${job.job_id} ${progress.basis}` });
  }
  return { element, update };
}

function waitingRow(first, api, again) {
  const state = el("span", { class: "soft" });
  const cancel = el("button", { type: "button", class: "quiet", "aria-label": `Cancel ${nameOf(first)}`, onclick: async () => {
    await act(cancel, () => api.cancel(first.job_id));
    again();
  } }, "Cancel");
  const element = el("div", { class: "card line" }, badge(first.priority), el("p", {}, jobLink(first)), state, el("div", { class: "actions" }, cancel));
  const update = (job) => setText(state, `${statusWord[job.status]}, asked for ${ago(job.created_at)}${job.total > 1 ? ` · ${songs(job.total)}` : ""}`);
  return { element, update };
}
