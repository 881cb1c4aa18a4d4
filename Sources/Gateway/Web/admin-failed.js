// The dead letters: jobs that failed, with why, and another try.

import { pagedList } from "./admin.js";
import { el, emptyState, keyed, setText } from "./dom.js";
import { ago, sentence, songs } from "./format.js";
import { badge } from "./job-card.js";
import { nameOf } from "./story.js";
import { act, toast } from "./toast.js";

export function part({ api, again }) {
  const list = el("div", { class: "stack" });
  const none = el("div", {}, emptyState("No dead letters", "A job of which every song failed is kept here until it is tried again."));
  const all = el("button", { type: "button", onclick: async () => {
    const answer = await act(all, () => api.replayAll());
    if (answer) toast(sentence(answer.message));
    again();
  } }, "Replay all");
  const more = el("button", { type: "button", hidden: true, onclick: () => act(more, showMore) }, "Show more");
  const head = el("div", { class: "spread" }, el("p", { class: "soft" }, "The latest first. A replay begins with the first song, in the old place in line."), all);
  const letters = pagedList(api.deadLetters, "jobs");

  async function refresh() {
    const jobs = await letters.items();
    keyed(list, jobs, (job) => job.job_id, (job) => letter(job, api, again));
    none.hidden = jobs.length > 0;
    head.hidden = jobs.length === 0;
    more.hidden = !letters.hasMore;
  }

  async function showMore() {
    letters.more();
    await again();
  }
  return { element: el("div", { class: "stack" }, head, none, list, el("div", { class: "actions centre" }, more)), refresh };
}

function letter(first, api, again) {
  const time = el("time", { class: "soft", datetime: first.ended_at });
  const button = el("button", { type: "button", "aria-label": `Replay ${nameOf(first)}`, onclick: async () => {
    if (await act(button, () => api.replay(first.job_id))) {
      toast(`${sentence(nameOf(first))} is back in line`);
      again();
    }
  } }, "Replay");
  const element = el("article", { class: "job past", "data-tone": "bad" },
    el("div", { class: "job-head" }, badge(first.priority), el("span", { class: "type" }, songs(first.total)), time),
    el("h2", {}, el("a", { href: `#/admin/job/${encodeURIComponent(first.job_id)}` }, sentence(nameOf(first)))),
    el("p", { class: "detail" }, sentence(first.error ?? "The reason is not known")), el("div", { class: "actions" }, button));
  return { element, update: (job) => setText(time, ago(job.ended_at)) };
}
