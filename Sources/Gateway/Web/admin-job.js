// One job with everything that became of it, song by song.

import { el, setText } from "./dom.js";
import { figure, figures } from "./figures.js";
import { ago, count, priorityWord, sentence, span, statusWord, typeWord, when } from "./format.js";
import { nameOf, storySections } from "./story.js";

export function part({ api, id }) {
  const title = el("h2", {}, id);
  const lead = el("p", { class: "soft" });
  const facts = el("div");
  const story = el("div", { class: "stack" });
  let seen = "";

  async function refresh() {
    const answer = await api.story(id);
    const { job } = answer;
    setText(title, sentence(nameOf(job)));
    setText(lead, [job.job_id, typeWord[job.type], priorityWord[job.priority]].join(" · "));
    const end = job.ended_at ? new Date(job.ended_at) : new Date();
    facts.replaceChildren(figures(
      figure("State", statusWord[job.status], { note: job.error ?? "" }), figure("Asked for", ago(job.created_at), { note: when(job.created_at) }),
      figure("Waited", job.started_at && span((new Date(job.started_at) - new Date(job.created_at)) / 1000)),
      figure(job.ended_at ? "Took" : "Runs for", job.started_at && span((end - new Date(job.started_at)) / 1000)),
      figure("Songs", `${job.analyzed + job.skipped + job.failed} of ${job.total}`, { note: [job.skipped && `${job.skipped} known already`, job.failed && `${job.failed} failed`].filter(Boolean).join(", ") }),
      figure("Interrupted", count(answer.events.filter((event) => event.kind === "interrupted").length, "time"),
        { note: answer.next_page_token ? "in the part of its story that is shown" : "" })));
    const state = `${answer.events.length} ${answer.next_page_token} ${answer.failures.length}`;
    if (state === seen) return;
    seen = state;
    story.replaceChildren(...storySections(answer, (token) => api.story(id, token)));
  }
  return { element: el("div", { class: "stack" }, el("section", { class: "card result", "aria-label": "Job" }, el("div", {}, title, lead), facts),
    el("section", { "aria-labelledby": "job-story" }, el("h2", { id: "job-story" }, "What happened"), story)), refresh };
}
