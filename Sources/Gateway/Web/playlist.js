// One playlist: how far it is, and its songs with what is known about them.

import { api } from "/api.js";
import { el, keyed, setText } from "/dom.js";
import { songs } from "/format.js";
import { jobCard } from "/job-card.js";
import { live } from "/live.js";
import { rememberSongs } from "/names.js";
import { barOf, progressBar } from "/progress-bar.js";
import { songRow } from "/song-row.js";
import { act, toast } from "/toast.js";

export function playlistView(id) {
  const title = el("h1", {}, "Playlist");
  const lead = el("p", { class: "lead" }, "Loading…");
  const bar = progressBar("This playlist");
  const analyse = el("button", { type: "button", class: "primary", hidden: true }, "Analyse");
  const again = el("button", { type: "button", class: "quiet", hidden: true }, "Analyse all again");
  analyse.addEventListener("click", () => ask(analyse, api.analyzePlaylist));
  again.addEventListener("click", () => ask(again, api.reanalyzePlaylist));
  const job = el("div", { class: "stack" });
  const body = el("tbody");
  const table = el("table", { class: "songs", hidden: true },
    el("caption", { class: "hidden" }, "Songs of this playlist"),
    el("thead", {}, el("tr", {},
      ...["#", "Title", "Length", "Tempo", "Key", "Loudness", "Analysis"].map((text) => el("th", { scope: "col" }, text)))),
    body);
  const element = el("div", {},
    el("nav", { class: "back", "aria-label": "Breadcrumb" }, el("a", { href: "#/" }, "← Library")),
    el("section", { class: "card" },
      el("div", { class: "spread" }, title, el("div", { class: "actions" }, again, analyse)), lead, bar.element),
    job, table);
  const view = { element, title: "Playlist", playlist: id, changed, ended: reload, close: () => clearTimeout(loading) };
  let list = [];
  let finished = "";
  let loading = 0;

  async function ask(button, action) {
    const answer = await act(button, () => action(id));
    if (answer) toast(answer.message, "good");
  }

  async function load() {
    try {
      const answer = await api.playlistSongs(id);
      list = answer.songs;
      rememberSongs(list);
      setText(title, answer.playlist.name);
      document.title = `${answer.playlist.name} · Song analysis`;
      table.hidden = false;
      changed();
    } catch (error) {
      setText(lead, error.message);
    }
  }

  function changed() {
    const entry = live.playlist(id);
    const own = live.jobs.filter((other) => other.job_type === "playlist_analysis" && String(other.target_id) === id);
    const known = list.filter((song) => song.analysis_status === "completed").length;
    const done = entry ? entry.completed_items : known;
    const total = entry ? entry.total_items : list.length;
    if (list.length || entry) {
      const failed = entry?.failed ? `, ${songs(entry.failed)} could not be analysed` : "";
      setText(lead, `${done} of ${songs(total)} analysed${failed}`);
    }
    bar.update(entry ? barOf(entry) : { fraction: total ? done / total : 0, tone: "still" });
    bar.element.hidden = own.length > 0;
    analyse.hidden = own.length > 0 || total === 0 || done === total;
    again.hidden = own.length > 0 || done === 0;
    keyed(job, own, (other) => other.job_id, (other) => jobCard(other, changed));
    keyed(body, list, (song) => `${song.id} ${song.position}`, (song) => songRow(song));
    reloadWhenSongsEnded(entry);
  }

  /** A song that ended has figures to show. */
  function reloadWhenSongsEnded(entry) {
    const ends = entry ? `${entry.completed_items} ${entry.failed} ${entry.current_song?.id ?? ""}` : "";
    if (finished && ends !== finished) reload();
    finished = ends;
  }

  /** Asks for the list again, at most twice a second. */
  function reload() {
    if (!loading) loading = setTimeout(() => { loading = 0; load(); }, 500);
  }

  load();
  changed();
  return view;
}
