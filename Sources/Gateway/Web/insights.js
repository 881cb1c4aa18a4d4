// What the analyses found over the whole library: its tempos, its keys, its loudness, and how it came to be analysed.

import { api } from "./api.js";
import { area, columns } from "./charts.js";
import { el, emptyState, failedState, setText, skeleton, uniqueId } from "./dom.js";
import { figure, figures } from "./figures.js";
import { count, number, songs, span } from "./format.js";
import { keyMap } from "./key-wheel.js";
import { live } from "./live.js";

/** While songs are analysed, so often it is asked anew. */
const reloadEvery = 10_000;
/** To which Spotify turns what is louder, in LUFS. */
const target = -14;
const keysListed = 8;

export function insightsView() {
  const lead = el("p", { class: "lead" }, "Looking through your library…");
  const content = el("div", { class: "stack" }, skeleton(4));
  const element = el("div", { class: "stack" }, el("div", {}, el("h1", { tabindex: "-1" }, "Insights"), lead), content);
  let known = -1;
  let timer = 0;
  let isClosed = false;

  async function load() {
    timer = 0;
    try {
      const insights = await api.insights();
      if (isClosed) return;
      show(insights);
    } catch (error) {
      if (isClosed || known >= 0) return;
      setText(lead, "");
      content.replaceChildren(failedState(error, load));
    }
  }

  function show(insights) {
    const { analyzed_songs: analysed, total_songs: total } = insights;
    if (analysed === known) return;
    known = analysed;
    setText(lead, analysed === total && total > 0 ? `All ${songs(total)} are analysed` : `${analysed.toLocaleString("en-GB")} of ${songs(total)} analysed`);
    if (analysed === 0) {
      content.replaceChildren(emptyState("There is nothing to see yet", "Tempos, keys and loudness appear here with the first songs that are analysed.",
        el("a", { class: "button", href: "#/" }, "Go to your library")));
      return;
    }
    const open = [...content.querySelectorAll("details")].map((details) => details.open);
    content.replaceChildren(...[summary(insights), tempo(insights.tempo_bpm), keys(insights.keys), loudness(insights.loudness_lufs), coverage(insights)]
      .filter(Boolean));
    content.querySelectorAll("details").forEach((details, index) => { details.open = Boolean(open[index]); });
  }

  function changed() {
    const done = live.library?.completed_items;
    if (done !== undefined && known >= 0 && done !== known && !timer) timer = setTimeout(load, reloadEvery);
  }
  load();
  return { element, title: "Insights", changed, close: () => { isClosed = true; clearTimeout(timer); } };
}

function section(title, ...children) {
  const id = uniqueId("insight");
  return el("section", { class: "card result", "aria-labelledby": id }, el("h2", { id }, title), ...children);
}

function summary({ audio_done_seconds: seconds, tempo_bpm: bpm, loudness_lufs: lufs, keys: [key] }) {
  return section("In short", figures(
    figure("Music analysed", span(seconds)),
    figure("Median tempo", bpm && `${number(bpm.median, 0)} BPM`, { meaning: "Half of your songs are slower, half are faster." }),
    figure("Most frequent key", key?.name, { note: key && songs(key.songs) }),
    figure("Median loudness", lufs && `${number(lufs.median)} LUFS`, { meaning: "Integrated loudness after EBU R 128. Half of your songs are quieter, half are louder." }),
    figure("Loudness spread", lufs && `${number(lufs.most - lufs.least)} LU`, {
      meaning: "From the quietest to the loudest song: by so much you might have to turn the volume while they play one after another." })));
}

/** Columns of a distribution, its ends and its middle named. */
function histogram(distribution, { label, unit, mark = null }) {
  const { bins, first_bin: first, bin_width: width } = distribution;
  const name = (index) => `${number(first + index * width, 0)} to ${number(first + (index + 1) * width, 0)}`;
  const end = (index) => number(first + index * width, 0);
  return columns({
    label, unit, mark: mark && { at: (mark.value - first) / width, text: mark.text },
    bars: bins.map((value, index) => ({ value, name: name(index), title: `${name(index)} ${unit}: ${songs(value)}` })),
    ends: bins.length < 3 ? [end(0), `${end(bins.length)} ${unit}`] : [end(0), end(Math.round(bins.length / 2)), `${end(bins.length)} ${unit}`],
  });
}

function tempo(distribution) {
  if (!distribution) return null;
  const { least, median, most } = distribution;
  return section("Tempo", el("p", { class: "soft" }, `From ${number(least, 0)} to ${number(most, 0)} BPM`),
    histogram(distribution, { unit: "BPM", label: `Songs by tempo: from ${number(least, 0)} to ${number(most, 0)} beats per minute, half of them below ${number(median, 0)}` }));
}

function keys(list) {
  if (!list.length) return null;
  const total = list.reduce((sum, key) => sum + key.songs, 0);
  const minor = list.filter((key) => key.name.endsWith("minor")).reduce((sum, key) => sum + key.songs, 0);
  const most = list[0].songs;
  const share = Math.round((minor / total) * 100);
  return section("Keys", el("p", { class: "soft" }, `${share} % in minor, ${100 - share} % in major. Neighbours on the circle mix well.`),
    el("div", { class: "audio" }, keyMap(list), el("ol", { class: "ranked" }, ...list.slice(0, keysListed).map((key) =>
      el("li", {}, el("span", {}, key.name), rankBar(key.songs / most), el("span", { class: "soft" }, key.songs.toLocaleString("en-GB")))),
      list.length > keysListed ? el("li", { class: "soft rest" }, `and ${count(list.length - keysListed, "other key")}`) : null)));
}

function rankBar(share) {
  return el("svg", { class: "rank", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    el("rect", { width: (share * 100).toFixed(1), height: 8, rx: 1 }));
}

function loudness(distribution) {
  if (!distribution) return null;
  const { bins, first_bin: first, bin_width: width, songs: all, least, median, most } = distribution;
  const louder = bins.reduce((sum, value, index) => sum + (first + index * width >= target ? value : 0), 0);
  const said = louder === 0 ? "None of them is louder than −14 LUFS, to which Spotify turns music down."
    : `${louder.toLocaleString("en-GB")} of ${songs(all)} ${louder === 1 ? "is" : "are"} louder than −14 LUFS, and turned down by Spotify.`;
  return section("Loudness", el("p", { class: "soft" }, said),
    histogram(distribution, { unit: "LUFS", mark: { value: target, text: "The line is at −14 LUFS." },
      label: `Songs by loudness: from ${number(least)} to ${number(most)} LUFS, half of them below ${number(median)}` }));
}

function coverage({ coverage: points, total_songs: total }) {
  if (!points.length) return null;
  const times = points.map((point) => new Date(point.at));
  const isShort = times.at(-1) - times[0] < 2 * 86_400_000;
  const format = (time) => time.toLocaleString(undefined, isShort ? { dateStyle: "short", timeStyle: "short" } : { dateStyle: "medium" });
  return section("Coverage over time",
    el("p", { class: "soft" }, `When what is known of your songs was found.`),
    area({
      label: `${songs(points.at(-1).analyzed)} of ${total} were analysed between ${format(times[0])} and ${format(times.at(-1))}`,
      top: total, heads: ["Until", "Analysed"], ends: points.length > 1 ? [format(times[0]), format(times.at(-1))] : [format(times[0])],
      points: points.map((point, index) => ({ x: times[index].getTime(), y: point.analyzed, name: format(times[index]), text: point.analyzed.toLocaleString("en-GB") })),
    }));
}
