// The first view: the library as a whole, what is analysed now, what waits and why, what was found last, and the playlists.

import { api } from "./api.js";
import { ask, isAsked, jobs } from "./asks.js";
import { el, emptyState, failedState, keyed, setText, skeleton } from "./dom.js";
import { ago, jobType, keyName, number, songs } from "./format.js";
import { jobCard } from "./job-card.js";
import { live } from "./live.js";
import { rememberPlaylists, rememberSongs } from "./names.js";
import { barOf, progressBar } from "./progress-bar.js";

const recentSongs = 6;
/** Playlists that are looked through for the songs analysed last; larger ones are not worth their loading. */
const recentPlaylists = 3;
const largestForRecent = 2_000;

export function dashboardView() {
  const lead = el("p", { class: "lead" }, "Looking at your library…");
  const bar = progressBar("Your whole library");
  const all = el("button", { type: "button", class: "primary", hidden: true, onclick: () => ask("background", "", api.analyzeLibrary) },
    "Analyse everything");
  const totals = el("dl", { class: "totals" });
  const hero = el("section", { class: "card library", "aria-labelledby": "library-title" },
    el("div", { class: "spread" }, el("h1", { id: "library-title", tabindex: "-1" }, "Your library"), all), lead, bar.element, totals);
  const now = el("div", { class: "stack" });
  const idle = el("div", {}, emptyState("Nothing is being analysed", "Open a song or a playlist and ask for it: it starts at once."));
  const waiting = el("div", { class: "stack" });
  const waitingSection = el("section", { "aria-labelledby": "waiting-title", hidden: true },
    el("h2", { id: "waiting-title" }, "Waiting"), waiting);
  const recent = el("ul", { class: "recent" });
  const recentSection = el("section", { "aria-labelledby": "recent-title", hidden: true },
    el("h2", { id: "recent-title" }, "Recent results"), recent);
  const playlists = el("div", { class: "grid" });
  const state = el("div", {}, skeleton(2));
  const element = el("div", { class: "dashboard" }, hero,
    el("section", { "aria-labelledby": "now-title" }, el("h2", { id: "now-title" }, "Now"), idle, now),
    waitingSection, recentSection,
    el("section", { "aria-labelledby": "playlists-title" }, el("h2", { id: "playlists-title" }, "Playlists"), state, playlists));
  let list = null;
  let analysed = -1;
  let loading = 0;
  let isClosed = false;

  async function load() {
    try {
      list = (await api.playlists()).playlists;
      rememberPlaylists(list);
      state.replaceChildren(...(list.length ? [] : [emptyState("There are no playlists yet",
        "They appear here by themselves once music has been added, for example with analysisctl library import.")]));
      changed();
      await loadRecent();
    } catch (error) {
      if (!list) state.replaceChildren(failedState(error, load));
    }
  }

  /** The songs analysed last are in the playlists that were analysed last; only what is surely the latest is shown. */
  async function loadRecent() {
    const latest = list.filter((playlist) => playlist.last_analyzed).sort((a, b) => (a.last_analyzed < b.last_analyzed ? 1 : -1));
    const within = latest.slice(0, recentPlaylists).filter((playlist) => playlist.song_count <= largestForRecent);
    const since = latest.find((playlist) => !within.includes(playlist))?.last_analyzed ?? "";
    const answers = await Promise.all(within.map((playlist) => api.playlistSongs(playlist.id)));
    if (isClosed) return;
    const found = new Map(answers.flatMap((answer) => answer.songs)
      .filter((song) => song.analysis_status === "completed" && song.analysis_date >= since).map((song) => [String(song.id), song]));
    rememberSongs([...found.values()]);
    const shown = [...found.values()].sort((a, b) => (a.analysis_date < b.analysis_date ? 1 : -1)).slice(0, recentSongs);
    keyed(recent, shown, (song) => String(song.id), recentRow);
    recentSection.hidden = shown.length === 0;
  }

  function changed() {
    const current = jobs();
    const running = current.filter((job) => job.status === "in_progress" || job.isAsk);
    const others = current.filter((job) => job.status !== "in_progress" && !job.isAsk);
    showLibrary(current);
    keyed(now, running, (job) => job.job_id, (job) => jobCard(job, changed));
    keyed(waiting, others, (job) => job.job_id, (job) => jobCard(job, changed));
    idle.hidden = running.length > 0;
    waitingSection.hidden = others.length === 0;
    if (list) keyed(playlists, list, (playlist) => playlist.id, playlistCard);
  }

  function showLibrary(current) {
    const library = live.library;
    if (!library) return;
    const { total_items: total, completed_items: done, failed } = library;
    setText(lead, total === 0 ? "There is no music yet." : done === total ? `All ${songs(total)} are analysed`
      : `${done.toLocaleString("en-GB")} of ${songs(total)} analysed`);
    bar.element.hidden = total === 0;
    bar.update({ ...barOf(library), subject: `library ${library.basis}` });
    const left = Math.max(0, total - done - failed);
    const figures = [["Playlists", list?.length], ["Songs", total], ["Analysed", done], ["To do", left], ["Failed", failed || null]];
    keyed(totals, figures.filter(([, value]) => typeof value === "number"), ([name]) => name, totalRow);
    all.hidden = left === 0 || current.some((job) => jobType(job) === "background");
    if (analysed !== done && analysed >= 0) reload();
    analysed = done;
  }

  /** Coverage of the playlists follows the library's, at most every two seconds. */
  function reload() {
    if (!loading) loading = setTimeout(() => { loading = 0; load(); }, 2_000);
  }

  /** A quiet word at the end of a library: once, and still where motion is not wanted. */
  function celebrate() {
    hero.dataset.celebrates = "";
    setTimeout(() => delete hero.dataset.celebrates, 6_000);
  }

  live.addEventListener("library-done", celebrate);
  load();
  changed();
  const close = () => {
    isClosed = true;
    clearTimeout(loading);
    live.removeEventListener("library-done", celebrate);
  };
  return { element, title: "Library", changed, close };
}

function totalRow([name]) {
  const value = el("dd");
  return { element: el("div", {}, el("dt", {}, name), value), update: ([, next]) => setText(value, next.toLocaleString("en-GB")) };
}

function recentRow(first) {
  const figures = el("span", { class: "soft" });
  const time = el("time", { class: "soft" });
  const element = el("li", {}, el("a", { href: `#/song/${encodeURIComponent(first.id)}` }, first.name), figures, time);
  function update(song) {
    setText(figures, [
      typeof song.tempo_bpm === "number" && `${number(song.tempo_bpm, 0)} BPM`, keyName(song.key),
      typeof song.loudness_lufs === "number" && `${number(song.loudness_lufs)} LUFS`,
      typeof song.analysis_score === "number" && `score ${number(song.analysis_score, 0)}`,
    ].filter(Boolean).join(" · "));
    setText(time, ago(song.analysis_date));
    time.dateTime = song.analysis_date;
  }
  return { element, update };
}

function playlistCard(first) {
  const name = el("a", { href: `#/playlist/${encodeURIComponent(first.id)}` });
  const coverage = el("span", { class: "soft" });
  const bar = progressBar(`Analysed of ${first.name}`, { small: true });
  const button = el("button", { type: "button", onclick: () => ask("playlist", String(first.id), () => api.analyzePlaylist(first.id)) });
  const element = el("article", { class: "card playlist-card" },
    el("h3", {}, name), bar.element, el("div", { class: "spread" }, coverage, button));

  function update(playlist) {
    const job = live.jobs.find((entry) => entry.job_type === "playlist_analysis"
      && String(entry.target_id) === String(playlist.id));
    const asked = isAsked("playlist", String(playlist.id));
    const done = playlist.song_count > 0 && playlist.analyzed_count === playlist.song_count;
    setText(name, playlist.name);
    const counted = `${playlist.analyzed_count.toLocaleString("en-GB")} of ${songs(playlist.song_count)}`;
    setText(coverage, playlist.song_count === 0 ? "Empty" : done ? `${songs(playlist.song_count)}, all analysed` : counted);
    bar.update({
      fraction: job ? job.progress : playlist.analysis_progress / 100, subject: job?.job_id ?? "",
      tone: job?.status === "in_progress" ? job.priority : done && !job ? "done" : "still",
    });
    button.hidden = done || playlist.song_count === 0 || Boolean(job);
    button.disabled = asked;
    setText(button, asked ? "Asked for…" : "Analyse");
    button.setAttribute("aria-label", `Analyse ${playlist.name}`);
  }
  return { element, update };
}
