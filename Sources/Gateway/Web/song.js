// One song: what its analysis found, or how far it is.

import { api } from "/api.js";
import { el, setText } from "/dom.js";
import { duration, number, sentence, when } from "/format.js";
import { badge } from "/job-card.js";
import { live, patience } from "/live.js";
import { rememberSongs } from "/names.js";
import { barOf, progressBar } from "/progress-bar.js";
import { act, toast } from "/toast.js";
import { waveformView } from "/waveform.js";

export function songView(id) {
  const title = el("h1", {}, "Song");
  const by = el("p", { class: "lead" }, "Loading…");
  const button = el("button", { type: "button", class: "primary", hidden: true, onclick: analyse }, "Analyse");
  const state = el("p", { class: "soft" });
  const bar = progressBar("Analysis of this song");
  const running = el("div", { class: "running", hidden: true }, badge("high"), state, bar.element);
  const result = el("div", {});
  const element = el("div", {},
    el("nav", { class: "back", "aria-label": "Breadcrumb" }, el("a", { href: "#/" }, "← Library")),
    el("section", { class: "card" }, el("div", { class: "spread" }, title, button), by, running), result);
  let analysed = false;
  let loaded = false;
  let active = false;
  let asked = false;
  let job = null;

  async function load() {
    try {
      const { song, analysis } = await api.songAnalysis(id);
      rememberSongs([song]);
      setText(title, song.name);
      document.title = `${song.name} · Song analysis`;
      setText(by, [song.artist, song.album].filter(Boolean).join(" · ") || song.location || "Unknown artist");
      analysed = analysis?.status === "completed";
      loaded = true;
      result.replaceChildren(...resultOf(analysis));
      changed();
    } catch (error) {
      setText(by, error.message);
    }
  }

  async function analyse() {
    asked = true;
    job = null;
    changed();
    const answer = await act(button, () => api.analyzeSong(id, analysed));
    job = answer?.job_id ?? null;
    if (!answer) asked = false;
    else if (job === null) { asked = false; toast(answer.message); }
    else setTimeout(stopWaiting, patience);
    changed();
  }

  /** The stream has said nothing of the click: what is stored tells. */
  function stopWaiting() {
    if (!asked) return;
    asked = false;
    load();
  }

  function changed() {
    const entry = live.ofSong(id);
    // A job can end between two looks.
    const ended = asked && Boolean(live.job(job)?.is_complete);
    if (entry || ended) asked = false;
    if (ended || (active && !entry)) load();
    active = Boolean(entry);
    running.hidden = !entry && !asked;
    running.firstElementChild.replaceWith(badge(entry?.priority ?? "high"));
    button.hidden = !loaded || active || asked;
    setText(button, analysed ? "Analyse again" : "Analyse");
    button.classList.toggle("primary", !analysed);
    if (!entry) {
      setText(state, asked ? "Asked for…" : "");
      return bar.update({ fraction: 0, tone: "high" });
    }
    setText(state, entry.status === "in_progress" ? sentence(entry.stage) || "Analysing" : entry.message);
    const own = entry.job_type === "song_analysis";
    bar.update(own ? barOf(entry) : { fraction: entry.step_progress, tone: entry.priority });
  }

  load();
  return { element, title: "Song", changed };
}

function resultOf(analysis) {
  if (!analysis) return [el("p", { class: "soft" }, "This song has not been analysed yet.")];
  if (analysis.status === "failed") {
    return [el("p", { class: "card problem" }, `The analysis failed: ${analysis.failure ?? "the reason is not known"}`)];
  }
  const audio = analysis.analysis_details;
  const parts = audio?.waveform ? [waveformView(audio.waveform, audio.tempo?.beats ?? [], audio.duration_seconds)] : [];
  parts.push(facts(factsOfAudio(audio)), facts(factsOfReview(analysis)));
  if (analysis.explanation) parts.push(el("p", {}, analysis.explanation));
  for (const other of analysis.further_results) {
    parts.push(el("details", {}, el("summary", {}, `${other.analyzer} ${other.version}`),
      el("pre", {}, JSON.stringify(other.details, null, 2))));
  }
  parts.push(el("p", { class: "soft" }, `Analysed ${when(analysis.created_at)}`));
  return [el("section", { class: "card result", "aria-label": "Result of the analysis" }, ...parts)];
}

function factsOfAudio(audio) {
  const { tempo, key, loudness, spectrum } = audio ?? {};
  return [
    ["Tempo", tempo?.bpm && `${number(tempo.bpm)} BPM`, confidence(tempo?.confidence)],
    ["Key", key?.name, key && [key.camelot, confidence(key.confidence)].filter(Boolean).join(" · ")],
    ["Loudness", typeof loudness?.integrated_lufs === "number" && `${number(loudness.integrated_lufs)} LUFS`, "integrated"],
    ["Loudness range", typeof loudness?.range_lu === "number" && `${number(loudness.range_lu)} LU`],
    ["True peak", typeof loudness?.true_peak_dbtp === "number" && `${number(loudness.true_peak_dbtp)} dBTP`],
    ["Length", audio?.duration_seconds && duration(audio.duration_seconds * 1000)],
    ["Brightness", spectrum && `${number(spectrum.centroid_hz, 0)} Hz`, "spectral centroid"],
    ["Flatness", typeof spectrum?.flatness === "number" && spectrum.flatness.toPrecision(2), "0 tonal, 1 noise"],
    ["Format", audio?.codec, formatOf(audio)],
    ["Fingerprint", audio?.fingerprint && `${audio.fingerprint.slice(0, 8)}…`, "Chromaprint"],
  ];
}

function factsOfReview({ score, concern_level: concern, themes }) {
  return [
    ["Score", typeof score === "number" && number(score, 0)], ["Concern", concern],
    ["Themes", themes?.length && themes.map((theme) => theme?.theme ?? String(theme)).join(", ")],
  ];
}

function formatOf(audio) {
  if (!audio?.sample_rate) return "";
  const channels = { 1: "mono", 2: "stereo" }[audio.channels] ?? `${audio.channels} channels`;
  return `${audio.sample_rate / 1000} kHz, ${channels}`;
}

function confidence(value) {
  return typeof value === "number" ? `${Math.round(value * 100)} % sure` : "";
}

/** Only what is known is listed. */
function facts(list) {
  return el("dl", { class: "facts" }, list.filter(([, value]) => value).map(([name, value, note]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, String(value)), note ? el("dd", { class: "soft" }, note) : null)));
}
