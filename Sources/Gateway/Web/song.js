// One song: what its analysis found, or how far it is.

import { api } from "./api.js";
import { ask, isAsked } from "./asks.js";
import { el, emptyState, failedState, setText, skeleton } from "./dom.js";
import { duration, sentence, statusWord } from "./format.js";
import { badge } from "./job-card.js";
import { live } from "./live.js";
import { rememberSongs } from "./names.js";
import { barOf, progressBar, songBarOf } from "./progress-bar.js";
import { resultSections } from "./song-result.js";

export function songView(id) {
  const title = el("h1", { tabindex: "-1" }, "Song");
  const by = el("p", { class: "lead" }, "Loading…");
  const button = el("button", { type: "button", class: "primary", hidden: true, onclick: () => ask("song", id, () => api.analyzeSong(id, analysed)) });
  const state = el("p", { class: "soft" });
  const bar = progressBar("Analysis of this song");
  const stages = el("ol", { class: "stages", "aria-label": "Stages so far" });
  stages.hidden = true;
  const running = el("div", { class: "running", hidden: true }, badge("high"), state, bar.element, stages);
  const result = el("div", { class: "stack" }, skeleton(5));
  const element = el("div", { class: "stack" },
    el("nav", { class: "back", "aria-label": "Breadcrumb" }, el("a", { href: "#/", onclick: back }, "← Back")),
    el("section", { class: "card" }, el("div", { class: "spread" }, title, button), by, running), result);
  let analysed = false;
  let loaded = false;
  let active = false;
  let isShown = true;
  let seen = [];

  /** To the list that one came from, where the browser knows it. */
  function back(event) {
    if (history.length < 2) return;
    event.preventDefault();
    history.back();
  }

  async function load() {
    try {
      const answer = await api.songAnalysis(id);
      if (!isShown) return;
      const { song, analysis } = answer;
      rememberSongs([song]);
      setText(title, song.name);
      document.title = `${song.name} · Song analysis`;
      setText(by, [song.artist, song.album, song.duration_ms && duration(song.duration_ms)].filter(Boolean).join(" · ") || "Unknown artist");
      by.title = song.location ?? "";
      analysed = analysis?.status === "completed";
      loaded = true;
      result.replaceChildren(...shown(answer));
      changed();
    } catch (error) {
      if (loaded) return;
      setText(by, "");
      result.replaceChildren(error.status === 404
        ? emptyState("There is no such song", "It may have been removed from the library.", el("a", { class: "button", href: "#/" }, "Go to your library"))
        : failedState(error, load));
    }
  }

  function shown({ song, analysis }) {
    if (!analysis) return [emptyState("Not analysed yet", "Ask for it above: it comes before everything else and starts at once.")];
    const parts = analysis.status === "failed"
      ? [el("section", { class: "card problem-card" }, el("h2", {}, "The analysis failed"), el("p", {}, sentence(analysis.failure) || "The reason is not known."))] : [];
    return [...parts, ...resultSections({ analysis, twins: analysis.twins })];
  }

  function changed() {
    const entry = live.ofSong(id);
    const asked = isAsked("song", id);
    if (active && !entry) load();
    active = Boolean(entry);
    running.hidden = !entry && !asked;
    button.hidden = !loaded || active || asked;
    setText(button, analysed ? "Analyse again" : "Analyse now");
    button.classList.toggle("primary", !analysed);
    const priority = entry?.priority ?? "high";
    if (running.firstElementChild.dataset.tone !== priority) running.firstElementChild.replaceWith(badge(priority));
    if (!entry) {
      setText(state, asked ? statusWord.asked : "");
      seen = [];
      stages.hidden = true;
      return bar.update({ fraction: 0, tone: "high", subject: "asked" });
    }
    const runs = entry.status === "in_progress";
    setText(state, runs ? sentence(entry.stage) || "Analysing" : sentence(entry.waiting_for) || statusWord[entry.status]);
    bar.update(entry.job_type === "song_analysis" ? barOf(entry) : songBarOf(entry));
    if (runs && entry.stage && seen.at(-1) !== entry.stage) {
      seen.push(entry.stage);
      stages.hidden = seen.length < 2;
      stages.replaceChildren(...seen.map((stage, index) =>
        el("li", { "aria-current": index === seen.length - 1 ? "step" : null }, sentence(stage))));
    }
  }

  // A song can be through between two looks.
  const ended = ({ detail: { entry } }) => { if (entry.is_complete && String(entry.target_id) === id) load(); };
  live.addEventListener("transition", ended);
  load();
  return { element, title: "Song", changed, close: () => { isShown = false; live.removeEventListener("transition", ended); } };
}
