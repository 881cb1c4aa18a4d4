// One playlist: how far it is, and its songs with what is known about them.

import { api } from "./api.js";
import { ask, isAsked, jobs } from "./asks.js";
import { el, emptyState, failedState, keyed, setText, skeleton } from "./dom.js";
import { duration, jobType, songs } from "./format.js";
import { jobCard } from "./job-card.js";
import { live } from "./live.js";
import { rememberSongs } from "./names.js";
import { barOf, progressBar } from "./progress-bar.js";
import { songList } from "./song-list.js";

export function playlistView(id) {
  const title = el("h1", { tabindex: "-1" }, "Playlist");
  const lead = el("p", { class: "lead" }, "Loading…");
  const bar = progressBar("This playlist");
  const missing = el("button", { type: "button", class: "primary", hidden: true,
    onclick: () => ask("playlist", id, () => api.analyzePlaylist(id)) }, "Analyse");
  const again = el("button", { type: "button", hidden: true,
    onclick: () => ask("playlist", id, () => api.reanalyzePlaylist(id)) }, "Analyse all again");
  const own = el("div", { class: "stack", "aria-label": "Analysis of this playlist" });
  const library = progressBar("Your whole library");
  const libraryText = el("p", { class: "soft" });
  const elsewhere = el("section", { class: "card elsewhere", hidden: true, "aria-label": "Your whole library" }, libraryText, library.element);
  const list = songList();
  const state = el("div", {}, skeleton(6));
  const element = el("div", { class: "stack" },
    el("nav", { class: "back", "aria-label": "Breadcrumb" }, el("a", { href: "#/" }, "← Library")),
    el("section", { class: "card" },
      el("div", { class: "spread" }, title, el("div", { class: "actions" }, again, missing)), lead, bar.element),
    own, elsewhere, state, list.element);
  let known = null;
  let finished = "";
  let loading = 0;
  let isShown = true;

  async function load() {
    try {
      const answer = await api.playlistSongs(id);
      if (!isShown) return;
      // Only what is there is followed: a stream that asks for anything else is refused.
      live.open(id);
      known = answer.songs;
      rememberSongs(known);
      setText(title, answer.playlist.name);
      document.title = `${answer.playlist.name} · Song analysis`;
      state.replaceChildren(...(known.length ? [] : [emptyState("This playlist is empty", "Songs appear here once they have been added to it.")]));
      list.show(known);
      changed();
    } catch (error) {
      if (!known) {
        setText(lead, "");
        state.replaceChildren(error.status === 404
          ? emptyState("There is no such playlist", "It may have been removed.", el("a", { class: "button", href: "#/" }, "Back to your library"))
          : failedState(error, load));
      }
    }
  }

  function changed() {
    const entry = live.playlist(id);
    const current = jobs();
    const mine = current.filter((job) => jobType(job) === "playlist" && String(job.target_id) === id);
    const counted = known?.filter((song) => song.analysis_status === "completed").length ?? 0;
    const done = entry ? entry.completed_items : counted;
    const total = entry ? entry.total_items : known?.length ?? 0;
    if (known || entry) {
      const failed = entry?.failed ? `, ${songs(entry.failed)} could not be analysed` : "";
      const length = known ? ` · ${duration(known.reduce((sum, song) => sum + (song.duration_ms ?? 0), 0))}` : "";
      setText(lead, total === 0 ? "No songs" : `${done.toLocaleString("en-GB")} of ${songs(total)} analysed${failed}${length}`);
    }
    bar.update(entry ? { ...barOf(entry), subject: `playlist ${entry.basis}` } : { fraction: total ? done / total : 0, tone: "still" });
    bar.element.hidden = mine.length > 0 || total === 0;
    const asked = isAsked("playlist", id);
    missing.hidden = mine.length > 0 || total === 0 || done === total || asked;
    again.hidden = mine.length > 0 || done === 0 || asked;
    setText(missing, done > 0 ? `Analyse the missing ${total - done}` : "Analyse");
    keyed(own, mine, (job) => job.job_id, (job) => jobCard(job, changed));
    showElsewhere(current, mine);
    list.changed();
    reloadWhenSongsEnded(entry);
  }

  /** While this playlist is not the one that is analysed, what is shown is how far the library is. */
  function showElsewhere(current, mine) {
    const running = current.find((job) => job.status === "in_progress");
    elsewhere.hidden = mine.length > 0 || !running || !live.library;
    if (elsewhere.hidden) return;
    const { completed_items: done, total_items: total } = live.library;
    setText(libraryText, `Meanwhile, your library: ${done.toLocaleString("en-GB")} of ${songs(total)} analysed`);
    library.update({ ...barOf(live.library), subject: `library ${live.library.basis}` });
  }

  /** A song that ended has figures to show. */
  function reloadWhenSongsEnded(entry) {
    const ends = entry ? `${entry.completed_items} ${entry.failed} ${entry.current_song?.id ?? ""}` : "";
    if (finished && ends !== finished) reload();
    finished = ends;
  }

  /** Asks for the list again, at most twice a second, and less often the longer it is. */
  function reload() {
    if (!loading) loading = setTimeout(() => { loading = 0; load(); }, 500 + (known?.length ?? 0) / 2);
  }

  const ended = ({ detail }) => { if (detail.entry.is_complete) reload(); };
  live.addEventListener("transition", ended);
  load();
  changed();
  return {
    element, title: "Playlist", changed,
    close: () => { isShown = false; clearTimeout(loading); list.close(); live.removeEventListener("transition", ended); },
  };
}
