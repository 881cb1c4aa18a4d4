// A table of songs that scrolls smoothly however long it is: only the rows near the window exist. Filtered and sorted in place.

import { api } from "./api.js";
import { ask, isAsked } from "./asks.js";
import { el, keyed, setAttribute, setText } from "./dom.js";
import { duration, keyName, number, percent, sentence, songs, statusWord } from "./format.js";
import { live } from "./live.js";
import { progressBar, songBarOf } from "./progress-bar.js";

/** Rows beyond the window on each side, so that the Tab key and a fast wheel find something. */
const overscan = 12;
const filterFrom = 10;
const columns = [
  ["#", "position"], ["Title", "name"], ["Length", "duration_ms"], ["Tempo", "tempo_bpm"], ["Key", "key"],
  ["Loudness", "loudness_lufs"], ["Analysis", "analysis_status"],
];

export function songList() {
  const above = el("tr", { class: "space", "aria-hidden": "true" }, el("td", { colspan: String(columns.length) }));
  const below = el("tr", { class: "space", "aria-hidden": "true" }, el("td", { colspan: String(columns.length) }));
  const body = el("tbody", {}, above, below);
  const heads = columns.map(([text, member]) => el("th", { scope: "col", class: member },
    el("button", { type: "button", onclick: () => sortBy(member), "aria-label": `Sort by ${text === "#" ? "position" : text.toLowerCase()}` }, text)));
  const table = el("table", { class: "songs" }, el("caption", { class: "hidden" }, "Songs of this playlist"),
    el("thead", {}, el("tr", { "aria-rowindex": "1" }, ...heads)), body);
  const filter = el("input", { type: "search", placeholder: "Filter songs", "aria-label": "Filter songs by title, artist or album", oninput: choose });
  const found = el("p", { class: "soft", role: "status" });
  const tools = el("div", { class: "spread tools" }, filter, found);
  const element = el("div", { hidden: true }, tools, table);
  let all = [];
  let chosen = [];
  let sorted = { member: "position", ascending: true };
  let rowHeight = 60;

  function show(list) {
    all = list;
    element.hidden = list.length === 0;
    tools.hidden = list.length < filterFrom;
    choose();
  }

  function sortBy(member) {
    sorted = { member, ascending: sorted.member === member ? !sorted.ascending : true };
    choose();
  }

  function choose() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    chosen = words.length === 0 ? [...all] : all.filter((song) => {
      const text = `${song.name}\n${song.artist}\n${song.album}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const { member, ascending } = sorted;
    if (member !== "position" || !ascending) chosen.sort((a, b) => (ascending ? 1 : -1) * compare(a[member], b[member]) || a.position - b.position);
    heads.forEach((head, index) => {
      if (columns[index][1] === member) head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    setText(found, words.length ? `${songs(chosen.length)} found` : "");
    setAttribute(table, "aria-rowcount", String(chosen.length + 1));
    changed();
  }

  /** Draws the rows in sight. The row with the focus stays where it is in the page until the focus leaves it. */
  function changed() {
    if (element.hidden || !element.isConnected) return;
    const height = above.nextElementSibling === below ? 0 : above.nextElementSibling.getBoundingClientRect().height;
    if (height > 0) rowHeight = height;
    const top = body.getBoundingClientRect().top;
    const first = Math.max(0, Math.min(chosen.length, Math.floor(-top / rowHeight) - overscan));
    const last = Math.min(chosen.length, Math.ceil((innerHeight - top) / rowHeight) + overscan);
    const seen = chosen.slice(first, Math.max(first, last)).map((song, index) => ({ song, row: first + index + 2 }));
    const after = Math.max(0, chosen.length - first - seen.length);
    const focused = body.contains(document.activeElement) ? Number(document.activeElement.closest("tr").getAttribute("aria-rowindex")) - 2 : -1;
    const isBefore = focused >= 0 && focused < first;
    const isAfter = focused >= chosen.length - after && focused < chosen.length;
    if (isBefore) seen.unshift({ song: chosen[focused], row: focused + 2 });
    if (isAfter) seen.push({ song: chosen[focused], row: focused + 2 });
    above.hidden = first === 0;
    above.style.height = `${(first - isBefore) * rowHeight}px`;
    below.style.height = `${(after - isAfter) * rowHeight}px`;
    keyed(body, seen, ({ song }) => `${song.id} ${song.position}`, ({ song }) => songRow(song), below);
  }

  let frame = 0;
  const scrolled = () => { frame ||= requestAnimationFrame(() => { frame = 0; changed(); }); };
  addEventListener("scroll", scrolled, { passive: true });
  addEventListener("resize", scrolled, { passive: true });
  const close = () => {
    removeEventListener("scroll", scrolled);
    removeEventListener("resize", scrolled);
  };
  return { element, show, changed, close };
}

const collator = new Intl.Collator();

/** What is not known comes last either way round. */
function compare(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  return typeof a === "string" ? collator.compare(a, b) : a - b;
}

function songRow(first) {
  const link = el("a", { href: `#/song/${encodeURIComponent(first.id)}` });
  const artist = el("span", { class: "soft artist" });
  const [length, tempo, key, loudness] = ["length", "tempo", "key", "loudness"].map((name) => el("td", { class: name }));
  const state = el("span", { class: "state" });
  const bar = progressBar(`Progress of ${first.name}`, { small: true });
  const button = el("button", { type: "button", onclick: () => ask("song", String(first.id), () => api.analyzeSong(first.id)) });
  const element = el("tr", {},
    el("td", { class: "position" }, String(first.position)),
    el("td", { class: "title" }, link, artist), length, tempo, key, loudness,
    el("td", { class: "analysis" }, el("div", {}, state, bar.element, button)));

  function update({ song, row }) {
    const entry = live.ofSong(song.id);
    const asked = isAsked("song", String(song.id));
    const running = entry?.status === "in_progress";
    setAttribute(element, "aria-rowindex", String(row));
    setText(link, song.name);
    setAttribute(link, "title", song.name);
    setText(artist, song.artist);
    setText(length, duration(song.duration_ms));
    setText(tempo, typeof song.tempo_bpm === "number" ? `${number(song.tempo_bpm)} BPM` : "");
    setText(key, keyName(song.key));
    setText(loudness, typeof song.loudness_lufs === "number" ? `${number(song.loudness_lufs)} LUFS` : "");
    setText(state, stateText(song, entry, asked));
    setAttribute(state, "title", state.textContent);
    setAttribute(element, "data-state", running ? "running" : entry || asked ? "waiting" : song.analysis_status);
    bar.element.hidden = !running;
    if (entry) bar.update(songBarOf(entry));
    button.hidden = Boolean(entry) || asked || song.analysis_status === "completed";
    const verb = song.analysis_status === "failed" ? "Retry" : "Analyse";
    setText(button, verb);
    setAttribute(button, "aria-label", `${verb} ${song.name}`);
  }
  return { element, update };
}

function stateText(song, entry, asked) {
  if (entry?.status === "in_progress") return `${sentence(entry.stage) || "Analysing"} · ${percent(songBarOf(entry).fraction)}`;
  if (entry) return sentence(entry.waiting_for) || statusWord[entry.status];
  if (asked) return statusWord.asked;
  if (song.analysis_status === "failed") return sentence(song.failure ?? "failed");
  return song.analysis_status === "completed" ? "Analysed" : "Not analysed";
}
