// The first view: the library as a whole, what is analysed now, what waits and why, and the playlists.

import { api } from "/api.js";
import { el, keyed, setText } from "/dom.js";
import { songs } from "/format.js";
import { jobCard } from "/job-card.js";
import { live } from "/live.js";
import { rememberPlaylists } from "/names.js";
import { barOf, progressBar } from "/progress-bar.js";
import { act, toast } from "/toast.js";

export function dashboardView() {
  const libraryText = el("p", { class: "lead" }, "Looking at your library…");
  const libraryBar = progressBar("Your whole library");
  const all = el("button", { type: "button", class: "primary", hidden: true, onclick: analyseAll }, "Analyse everything");
  const now = el("div", { class: "stack" });
  const idle = el("p", { class: "soft" }, "Nothing is being analysed.");
  const waiting = el("div", { class: "stack" });
  const waitingSection = el("section", { "aria-labelledby": "waiting-title", hidden: true },
    el("h2", { id: "waiting-title" }, "Waiting"), waiting);
  const playlists = el("div", { class: "grid" });
  const empty = el("p", { class: "soft" }, "Loading playlists…");
  const element = el("div", { class: "dashboard" },
    el("section", { class: "card library", "aria-labelledby": "library-title" },
      el("div", { class: "spread" }, el("h1", { id: "library-title" }, "Your library"), all),
      libraryText, libraryBar.element),
    el("section", { "aria-labelledby": "now-title" }, el("h2", { id: "now-title" }, "Now"), idle, now),
    waitingSection,
    el("section", { "aria-labelledby": "playlists-title" },
      el("h2", { id: "playlists-title" }, "Playlists"), empty, playlists));
  let list = [];
  let analysed = -1;
  let loading = 0;

  async function analyseAll() {
    const answer = await act(all, api.analyzeLibrary);
    if (answer) toast(answer.message, "good");
  }

  async function load() {
    try {
      list = (await api.playlists()).playlists;
      rememberPlaylists(list);
      empty.hidden = list.length > 0;
      setText(empty, "There are no playlists yet.");
      changed();
    } catch (error) {
      setText(empty, error.message);
    }
  }

  function changed() {
    const library = live.library;
    const jobs = live.jobs;
    if (library) showLibrary(library, jobs);
    const running = jobs.filter((job) => job.status === "in_progress");
    const others = jobs.filter((job) => job.status !== "in_progress");
    keyed(now, running, (job) => job.job_id, (job) => jobCard(job, changed));
    keyed(waiting, others, (job) => job.job_id, (job) => jobCard(job, changed));
    idle.hidden = running.length > 0;
    waitingSection.hidden = others.length === 0;
    keyed(playlists, list, (playlist) => playlist.id, playlistCard);
  }

  function showLibrary(library, jobs) {
    const failed = library.failed ? `, ${songs(library.failed)} could not be analysed` : "";
    setText(libraryText, library.total_items === 0 ? "There is no music yet."
      : `${library.completed_items} of ${songs(library.total_items)} analysed${failed}`);
    libraryBar.update(barOf(library));
    const left = library.total_items - library.completed_items - library.failed;
    all.hidden = left === 0 || jobs.some((job) => job.job_type === "background_analysis");
    if (analysed !== library.completed_items && analysed >= 0) reload();
    analysed = library.completed_items;
  }

  /** Coverage of the playlists follows the library's, at most once a second. */
  function reload() {
    if (loading) return;
    loading = setTimeout(() => { loading = 0; load(); }, 1000);
  }

  load();
  changed();
  return { element, title: "Library", changed, close: () => clearTimeout(loading) };
}

function playlistCard(first) {
  const href = `#/playlist/${encodeURIComponent(first.id)}`;
  const name = el("a", { href });
  const coverage = el("span", { class: "soft" });
  const bar = progressBar("Analysed", { small: true });
  const button = el("button", { type: "button", onclick: analyse }, "Analyse");
  const element = el("article", { class: "card playlist-card" },
    el("h3", {}, name), bar.element, el("div", { class: "spread" }, coverage, button));
  let asked = false;

  async function analyse() {
    asked = true;
    setText(button, "Asked for…");
    const answer = await act(button, () => api.analyzePlaylist(first.id));
    if (answer) toast(`${name.textContent}: ${answer.message}`, "good");
    asked = false;
    setText(button, "Analyse");
  }

  function update(playlist) {
    const job = live.jobs.find((entry) => entry.job_type === "playlist_analysis"
      && String(entry.target_id) === String(playlist.id));
    const done = playlist.song_count > 0 && playlist.analyzed_count === playlist.song_count;
    setText(name, playlist.name);
    setText(coverage, `${playlist.analyzed_count} of ${songs(playlist.song_count)}`);
    bar.update({
      fraction: job ? job.progress : playlist.analysis_progress / 100,
      tone: job?.status === "in_progress" ? job.priority : done && !job ? "done" : "still",
    });
    button.hidden = done || Boolean(job && !asked);
    button.setAttribute("aria-label", `Analyse ${playlist.name}`);
  }
  return { element, update };
}
