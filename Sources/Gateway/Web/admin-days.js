// What happened on each of the last days.

import { columns } from "./charts.js";
import { el } from "./dom.js";
import { figure, figures } from "./figures.js";
import { ago, count, percent, songs, span } from "./format.js";
import { thumbSign } from "./rating.js";
import { nameOf } from "./story.js";

const ranges = [["14", "14 days"], ["60", "60 days"], ["365", "a year"]];
const charts = [
  ["Songs analysed", (day) => day.songs_analyzed, "songs"], ["Songs failed", (day) => day.songs_failed, "songs"],
  ["Jobs asked for", (day) => day.enqueued, "jobs"], ["Jobs interrupted", (day) => day.interrupted, "times"],
];

export function part({ api, again }) {
  const range = el("select", { "aria-label": "How far back", onchange: again }, ...ranges.map(([value, text]) => el("option", { value }, text)));
  const place = el("div", { class: "stack" });
  let known = "";

  async function refresh() {
    const [{ days, figures: product }, { jobs: rated }] = await Promise.all([api.statistics(range.value), api.ratings()]);
    const text = JSON.stringify([days, product, rated]);
    // What has not changed keeps its open tables.
    if (text === known) return;
    known = text;
    const open = [...place.querySelectorAll("details")].map((details) => details.open);
    place.replaceChildren(summary(days), fared(product), said(rated),
      el("div", { class: "charts" }, ...charts.map(([title, value, unit]) => chart(title, days, value, unit))));
    place.querySelectorAll("details").forEach((details, index) => { details.open = Boolean(open[index]); });
  }
  return { element: el("div", { class: "stack" }, el("div", { class: "actions choices" }, range), place), refresh };
}

function summary(days) {
  const sum = (value) => days.reduce((total, day) => total + value(day), 0);
  const today = days.at(-1);
  const ended = sum((day) => day.songs_analyzed + day.songs_failed);
  return el("section", { class: "card result", "aria-label": "In short" }, figures(
    figure("Today, in UTC", songs(today.songs_analyzed), { note: span(today.audio_seconds) }),
    figure("In all", songs(sum((day) => day.songs_analyzed)), { note: `${span(sum((day) => day.audio_seconds))} of music` }),
    figure("Failed", songs(sum((day) => day.songs_failed)), { note: ended ? `${percent(sum((day) => day.songs_failed) / ended)} of all` : "" }),
    figure("Interrupted", count(sum((day) => day.interrupted), "time")),
    figure("Workers lost", String(sum((day) => day.workers_lost)))));
}

function fared(product) {
  // What there is nothing to share of is left out.
  const share = (value) => value === undefined ? "–" : percent(value);
  const { songs_per_hour: speed, recovery_seconds: recovery, thumbs_up: ups, thumbs_down: downs, watched_seconds: watched } = product;
  return el("section", { class: "card result", "aria-label": "How users fared" }, figures(
    figure("Songs an hour", speed === undefined ? "–" : speed.toLocaleString("en-GB", { maximumFractionDigits: 1 })),
    figure("Clicks within 2 s", share(product.clicks_in_time_share)),
    figure("Jobs completed", share(product.completed_share), { note: "of those not cancelled" }),
    figure("Background analysis", share(product.background_analysis_share), { note: `of ${count(product.users, "user")}` }),
    figure("Workers there", share(product.worker_availability), { note: `started ${count(product.workers_started, "time")}` }),
    figure("Thumbs up", ups + downs ? percent(ups / (ups + downs)) : "–", { note: `of ${count(ups + downs, "rating")}` }),
    figure("Progress watched", watched ? span(watched) : "–", { note: "by users who let it be counted" }),
    figure("Recovery", recovery === undefined ? "–" : span(recovery), { note: "after a worker was lost" })));
}

/** What users think of what ran. */
function said(rated) {
  if (!rated.length) return null;
  const words = { up: "Good", down: "Not good" };
  return el("section", { class: "card result", "aria-label": "What users say" }, el("h2", {}, "What users say"),
    el("ul", { class: "said" }, ...rated.map((job) => {
      const word = words[job.rating.thumb];
      return el("li", {}, el("span", { role: "img", "aria-label": word, title: word }, thumbSign(job.rating.thumb)), " ",
        job.rating.comment ? `“${job.rating.comment}” ` : "", el("span", { class: "soft" }, `${nameOf(job)}, ${ago(job.rating.rated_at)}`));
    })));
}

function chart(title, days, value, unit) {
  const name = (day) => new Date(day.day).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
  const all = days.reduce((total, day) => total + value(day), 0);
  return el("section", { class: "card result", "aria-label": title }, el("h2", {}, title), columns({
    label: `${title}: ${all.toLocaleString("en-GB")} in ${count(days.length, "day")}`, unit: "Day", counts: unit,
    ends: [name(days[0]), name(days[Math.floor(days.length / 2)]), "today"],
    bars: days.map((day) => ({ value: value(day), name: name(day), title: `${name(day)}: ${value(day).toLocaleString("en-GB")} ${unit}` })),
  }));
}
