// What ran: the jobs that ended, the latest first, each with its story and another try.

import { api } from "./api.js";
import { ask } from "./asks.js";
import { el, emptyState, failedState, setText, skeleton } from "./dom.js";
import { ago, count, songs, span, statusWord, typeWord } from "./format.js";
import { live } from "./live.js";
import { ratingControl } from "./rating.js";
import { storySections } from "./story.js";
import { act } from "./toast.js";

const types = [["", "Everything"], ["song", "Songs"], ["playlist", "Playlists"], ["background", "Whole library"]];
const outcomes = [["", "However it ended"], ["completed", "Done"], ["failed", "Failed"], ["cancelled", "Cancelled"]];
const tones = { completed: "done", failed: "bad", cancelled: "still" };

export function historyView() {
  const type = choice("What", types, load);
  const status = choice("How it ended", outcomes, load);
  const list = el("div", { class: "stack" });
  const state = el("div", {}, skeleton(4));
  const more = el("button", { type: "button", hidden: true, onclick: () => act(more, () => page(token)) }, "Show more");
  const news = el("p", { class: "actions", role: "status", hidden: true },
    el("button", { type: "button", onclick: load }, "Show what has ended meanwhile"));
  const element = el("div", { class: "stack" },
    el("div", { class: "spread" }, el("h1", { tabindex: "-1" }, "History"), el("div", { class: "actions choices" }, type, status)),
    news, state, list, el("div", { class: "actions centre" }, more));
  let token = null;
  let asked = 0;

  async function load() {
    const own = ++asked;
    news.hidden = true;
    try {
      const answer = await api.history({ type: type.value, status: status.value });
      if (own !== asked) return;
      list.replaceChildren();
      state.replaceChildren(...(answer.jobs.length || answer.next_page_token ? [] : [nothing()]));
      take(answer);
    } catch (error) {
      if (own !== asked) return;
      list.replaceChildren();
      more.hidden = true;
      state.replaceChildren(failedState(error, load));
    }
  }

  async function page(after) {
    const own = asked;
    const answer = await api.history({ type: type.value, status: status.value, page_token: after });
    if (own === asked) take(answer);
  }

  function take(answer) {
    list.append(...answer.jobs.map(jobRow));
    token = answer.next_page_token;
    more.hidden = !token;
  }

  function nothing() {
    return type.value || status.value
      ? emptyState("Nothing of that kind has ended", "Choose something else above.")
      : emptyState("Nothing has ended yet", "Every analysis is listed here once it is done, with what came between.",
        el("a", { class: "button", href: "#/" }, "Go to your library"));
  }

  // What somebody reads does not move away under their eyes.
  const ended = ({ detail: { entry } }) => {
    if (!entry.is_complete) return;
    if (scrollY > 200 || list.contains(document.activeElement) || list.querySelector("form:not([hidden])")) news.hidden = false;
    else setTimeout(load, 500);
  };
  live.addEventListener("transition", ended);
  load();
  return { element, title: "History", close: () => { asked += 1; live.removeEventListener("transition", ended); } };
}

function choice(label, values, onchange) {
  return el("select", { "aria-label": label, onchange }, ...values.map(([value, text]) => el("option", { value }, text)));
}

function jobRow(job) {
  const part = job.batch > 1 || job.songs_left ? `, part ${job.batch}` : "";
  const name = job.type === "background" ? `Everything not analysed yet${part}` : job.name ?? `A ${job.type} that is gone`;
  const href = job.name ? `#/${job.type}/${encodeURIComponent(job.target_id)}` : null;
  const details = el("details", { ontoggle: () => { if (details.open && !details.children[1]) show(); } },
    el("summary", { "aria-label": `What happened: ${name}` }, "What happened"));

  async function show() {
    const place = el("div", { class: "stack" }, skeleton(2));
    details.append(place);
    try {
      const story = await api.story(job.job_id);
      place.replaceChildren(...storySections(story, (token) => api.story(job.job_id, token)));
    } catch (error) {
      place.replaceChildren(failedState(error, () => { place.remove(); show(); }));
    }
  }
  return el("article", { class: "job past", "data-tone": job.failed && job.status === "completed" ? "medium" : tones[job.status] },
    el("div", { class: "job-head" }, el("span", { class: "badge" }, outcomeOf(job)), el("span", { class: "type" }, typeWord[job.type]),
      el("time", { datetime: job.ended_at, title: new Date(job.ended_at).toLocaleString() }, ago(job.ended_at))),
    el("h2", {}, href ? el("a", { href }, name) : name), el("p", { class: "detail" }, summaryOf(job)), againButton(job, name), ratingControl(job, name), details);
}

function outcomeOf(job) {
  return job.status === "completed" && job.failed ? `Done, ${job.failed.toLocaleString("en-GB")} failed` : statusWord[job.status];
}

/** "58 analysed, 2 failed, 31 minutes". */
function summaryOf(job) {
  const took = job.started_at ? span((new Date(job.ended_at) - new Date(job.started_at)) / 1000) : "never begun";
  if (job.status === "failed" && job.error) return `${job.error} · ${took}`;
  if (job.type === "song") return job.skipped ? "Known already" : took;
  const left = job.total - job.analyzed - job.skipped - job.failed;
  return [`${count(job.analyzed, "song")} analysed`, job.failed && `${songs(job.failed)} failed`,
    job.skipped && `${job.skipped.toLocaleString("en-GB")} known already`, left > 0 && `${left.toLocaleString("en-GB")} not begun`, took].filter(Boolean).join(", ");
}

/** What failed as a whole is put back; of what failed in part or was cancelled, the rest is asked for. */
function againButton(job, name) {
  if (job.status === "completed" && !job.failed) return null;
  const isGone = job.type !== "background" && !job.name;
  const verb = job.status === "cancelled" ? "Go on" : "Retry";
  const actions = {
    song: () => ask("song", String(job.target_id), () => api.analyzeSong(job.target_id, job.force)),
    playlist: () => ask("playlist", String(job.target_id), () => (job.force ? api.reanalyzePlaylist : api.analyzePlaylist)(job.target_id)),
    background: () => ask("background", "", api.analyzeLibrary),
  };
  const button = el("button", { type: "button", "aria-label": `${verb}: ${name}`, onclick: async () => {
    const answer = await act(button, () => (job.status === "failed" ? api.retry(job.job_id) : actions[job.type]()));
    if (!answer) return;
    setText(button, "Asked for");
    button.disabled = true;
  } }, verb);
  return isGone ? null : el("div", { class: "actions" }, button);
}
