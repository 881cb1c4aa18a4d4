// What the analyses of a song found: the built-in one drawn, a site's own in words, and a section for each.

import { el } from "./dom.js";
import { duration, keyName, number, sentence, signed, span, when } from "./format.js";
import { figure, figures, hint, jsonView } from "./figures.js";
import { keyWheel } from "./key-wheel.js";
import { waveformView } from "./wave.js";

/** Loudness to which services turn what they play, in LUFS, as each publishes it for its default setting. */
const targets = [["Spotify", -14], ["Apple Music", -16], ["EBU R 128 broadcast", -23]];
const scale = { least: -36, most: 0 };
const meanings = {
  tempo: "Beats in a minute. How sure it is tells how steady the beats are; a tempo of half or double the figure can be felt as well.",
  key: "The scale that the notes fit best, and its place in the Camelot system, in which neighbours mix well.",
  loudness: "Integrated loudness after EBU R 128: how loud the song is as a whole to the ear, in LUFS. Nearer to 0 is louder.",
  range: "Loudness range after EBU Tech 3342: how far apart the quiet and the loud parts are. Below 5 LU is even, above 15 LU wide.",
  peak: "The highest peak between the samples as well. Above −1 dBTP lossy formats may distort, above 0 dBTP every player may.",
  length: "The length of what was decoded, which can differ a little from what the file says of itself.",
  brightness: "The centre of the spectrum: where the balance of low and high sounds lies. Higher sounds brighter.",
  flatness: "How much the spectrum is like noise: 0 is a pure tone, 1 is white noise.",
  format: "The codec of the file, with its sample rate and channels.",
  fingerprint: "What the song is recognised by, whatever its format: two recordings with nearly the same one are the same music.",
};

/** `analysis` as the gateway has it, or null; `twins` are the same music in other files. */
export function resultSections({ analysis, twins = [] }) {
  const sections = [];
  if (analysis.analysis_details) sections.push(audioSection(analysis));
  const review = reviewSection(analysis);
  if (review) sections.push(review);
  if (twins?.length) sections.push(twinsSection(twins));
  sections.push(...analysis.further_results.map(furtherSection));
  return sections;
}

function section(title, ...children) {
  return el("section", { class: "card result", "aria-label": title }, el("h2", {}, title), ...children);
}

function audioSection(analysis) {
  const audio = analysis.analysis_details;
  const { tempo, key, loudness, spectrum, waveform } = audio;
  const took = analysis.took_ms ? ` in ${span(analysis.took_ms / 1000)}` : "";
  const isNumber = (value) => typeof value === "number";
  return section("Audio",
    waveform ? waveformView(waveform, tempo?.beats ?? [], audio.duration_seconds) : null,
    el("div", { class: "audio" },
      figures(
        figure("Tempo", isNumber(tempo?.bpm) && `${number(tempo.bpm)} BPM`, { meaning: meanings.tempo, note: sureness(tempo?.confidence) }),
        figure("Key", keyName(key?.name), { meaning: meanings.key, note: [key?.camelot, sureness(key?.confidence)].filter(Boolean).join(" · ") }),
        figure("Loudness", isNumber(loudness?.integrated_lufs) && `${number(loudness.integrated_lufs)} LUFS`, { meaning: meanings.loudness }),
        figure("Loudness range", isNumber(loudness?.range_lu) && `${number(loudness.range_lu)} LU`, { meaning: meanings.range }),
        figure("True peak", isNumber(loudness?.true_peak_dbtp) && `${number(loudness.true_peak_dbtp)} dBTP`,
          { meaning: meanings.peak, note: peakNote(loudness?.true_peak_dbtp) }),
        figure("Length", isNumber(audio.duration_seconds) && duration(audio.duration_seconds * 1000), { meaning: meanings.length }),
        figure("Brightness", isNumber(spectrum?.centroid_hz) && `${number(spectrum.centroid_hz, 0)} Hz`, { meaning: meanings.brightness }),
        figure("Flatness", isNumber(spectrum?.flatness) && String(Number(spectrum.flatness.toPrecision(2))), { meaning: meanings.flatness }),
        figure("Format", audio.codec, { meaning: meanings.format, note: formatOf(audio) }),
        figure("Fingerprint", audio.fingerprint && `${audio.fingerprint.slice(0, 8)}…`, { meaning: meanings.fingerprint, note: "Chromaprint" })),
      keyWheel(key)),
    isNumber(loudness?.integrated_lufs) ? loudnessScale(loudness.integrated_lufs) : null,
    el("p", { class: "soft" }, `Analysed ${when(analysis.created_at)}${took}`));
}

function sureness(confidence) {
  return typeof confidence === "number" ? `${Math.round(confidence * 100)} % sure` : "";
}

function peakNote(peak) {
  if (typeof peak !== "number") return "";
  return peak > 0 ? "clips when played" : peak > -1 ? "little headroom" : "headroom enough";
}

function formatOf(audio) {
  if (!audio.sample_rate) return "";
  const channels = { 1: "mono", 2: "stereo" }[audio.channels] ?? `${audio.channels} channels`;
  const rate = audio.bit_rate ? `, ${Math.round(audio.bit_rate / 1000)} kbit/s` : "";
  return `${audio.sample_rate / 1000} kHz, ${channels}${rate}`;
}

/** The song on a line of loudness, with what services aim at, and what each will do to it. */
function loudnessScale(loudness) {
  const x = (value) => ((Math.max(scale.least, Math.min(scale.most, value)) - scale.least) / (scale.most - scale.least)) * 100;
  const mark = (value, kind) => el("line", { class: kind, x1: x(value), x2: x(value), y1: kind === "own" ? 0 : 3, y2: kind === "own" ? 14 : 11 });
  return el("div", { class: "targets" },
    el("h3", {}, "Against common targets ", hint("the comparison with targets",
      "Services play songs equally loud. One above the target is turned down; one below is turned up by some of them, as far as its peaks allow.")),
    el("svg", { class: "scale", viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" },
      el("rect", { class: "line", x: 0, y: 6, width: 100, height: 2 }), ...targets.map(([, value]) => mark(value, "target")), mark(loudness, "own")),
    el("ul", { class: "target-list" }, ...targets.map(([name, target]) => el("li", {},
      el("span", {}, name), el("span", { class: "soft" }, `${number(target, 0)} LUFS`), el("strong", {}, adjustment(target - loudness))))));
}

function adjustment(gain) {
  if (Math.abs(gain) < 0.5) return "plays as it is";
  return gain < 0 ? `turned down, ${signed(gain)} dB` : `quieter than the target, ${signed(gain)} dB`;
}

/** The members that a site's own analyzer shares with the pages that exist. */
function reviewSection(analysis) {
  const { score, concern_level: concern, themes, explanation, concerns } = analysis;
  const named = (list) => (list ?? []).map((item) => (typeof item === "object" && item ? item.theme ?? item.name ?? JSON.stringify(item) : String(item)));
  const hasReview = [score, concern, explanation].some((value) => value !== null && value !== undefined) || themes?.length || concerns?.length;
  if (!hasReview) return null;
  return section("Review",
    figures(
      figure("Score", typeof score === "number" ? number(score, Number.isInteger(score) ? 0 : 1) : score, { meaning: "What the site's own analyzer gives the song." }),
      figure("Concern", typeof concern === "string" ? sentence(concern) : null, {
        meaning: "How much the site's own analyzer advises to look at the song.",
        children: [typeof concern === "string" ? el("span", { class: "level", "data-level": concern }, `${sentence(concern)} concern`) : null],
      })),
    themes?.length ? el("ul", { class: "chips", "aria-label": "Themes" }, ...named(themes).map((theme) => el("li", {}, theme))) : null,
    explanation ? el("p", { class: "explanation" }, typeof explanation === "string" ? explanation : jsonView(explanation)) : null,
    concerns?.length ? el("ul", { class: "concerns", "aria-label": "Concerns" }, ...named(concerns).map((text) => el("li", {}, text))) : null);
}

function twinsSection(twins) {
  return section("The same music elsewhere",
    el("p", { class: "soft" }, "Recognised by its fingerprint, whatever the file's format."),
    el("ul", { class: "twins" }, ...twins.map((twin) => el("li", {},
      el("a", { href: `#/song/${encodeURIComponent(twin.id)}` }, twin.name),
      el("span", { class: "soft" }, [twin.artist, twin.album, twin.identical ? "the same, sample for sample" : "another encoding"].filter(Boolean).join(" · "))))));
}

function furtherSection(result) {
  const known = ["score", "concern_level", "themes", "explanation", "concerns"];
  const rest = Object.fromEntries(Object.entries(result.details ?? {}).filter(([name]) => !known.includes(name)));
  const took = result.took_ms ? ` in ${span(result.took_ms / 1000)}` : "";
  return section(sentence(result.analyzer.replaceAll(/[_-]/g, " ")),
    Object.keys(rest).length ? jsonView(rest) : el("p", { class: "soft" }, "All that it found is in the review above."),
    el("p", { class: "soft" }, `${result.analyzer}, version ${result.version} · analysed ${when(result.created_at)}${took}`));
}
