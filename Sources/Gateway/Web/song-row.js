// One row of a playlist's table. A click on "Analyse" shows at once; the stream then takes over.

import { api } from "/api.js";
import { el, setText } from "/dom.js";
import { duration, number, percent, sentence, statusWord } from "/format.js";
import { live, patience } from "/live.js";
import { progressBar } from "/progress-bar.js";
import { act } from "/toast.js";

export function songRow(first) {
  const link = el("a", { href: `#/song/${encodeURIComponent(first.id)}` });
  const artist = el("span", { class: "soft artist" });
  const cells = ["length", "tempo", "key", "loudness"].map((name) => el("td", { class: name }));
  const [length, tempo, key, loudness] = cells;
  const state = el("span", { class: "state" });
  const bar = progressBar(`Progress of ${first.name}`, { small: true });
  const button = el("button", { type: "button", onclick: analyse }, "Analyse");
  const element = el("tr", {},
    el("td", { class: "position" }, String(first.position)),
    el("td", { class: "title" }, link, artist), ...cells,
    el("td", { class: "analysis" }, el("div", {}, state, bar.element, button)));
  let song = first;
  let askedAt = -Infinity;
  let job = null;

  async function analyse() {
    askedAt = performance.now();
    job = null;
    update(song);
    const answer = await act(button, () => api.analyzeSong(song.id));
    if (!answer) askedAt = -Infinity;
    job = answer?.job_id ?? null;
    setTimeout(() => update(song), patience);
    update(song);
  }

  function update(latest) {
    song = latest;
    const entry = live.ofSong(song.id);
    // A job can end between two looks.
    if (entry || live.job(job)?.is_complete) askedAt = -Infinity;
    const asked = performance.now() - askedAt < patience;
    const running = entry?.status === "in_progress";
    setText(link, song.name);
    setText(artist, song.artist);
    setText(length, duration(song.duration_ms));
    setText(tempo, song.tempo_bpm === null ? "" : `${number(song.tempo_bpm)} BPM`);
    setText(key, song.key ?? "");
    setText(loudness, song.loudness_lufs === null ? "" : `${number(song.loudness_lufs)} LUFS`);
    setText(state, stateText(song, entry, asked));
    element.dataset.state = running ? "running" : entry || asked ? "waiting" : song.analysis_status;
    const fraction = entry?.job_type === "song_analysis" ? entry.progress : entry?.step_progress ?? 0;
    bar.element.hidden = !running;
    bar.update({ fraction, tone: entry?.priority ?? "high" });
    button.hidden = Boolean(entry) || asked || song.analysis_status === "completed";
    button.setAttribute("aria-label", `Analyse ${song.name}`);
  }
  return { element, update };
}

function stateText(song, entry, asked) {
  if (entry?.status === "in_progress") {
    const fraction = entry.job_type === "song_analysis" ? entry.progress : entry.step_progress;
    return `${sentence(entry.stage) || "Analysing"} · ${percent(fraction)}`;
  }
  if (entry) return entry.message || statusWord[entry.status];
  if (asked) return "Asked for…";
  if (song.analysis_status === "failed") return sentence(song.failure ?? "failed");
  return song.analysis_status === "completed" ? "Analysed" : "Not analysed";
}
