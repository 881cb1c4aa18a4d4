// The workers: whether they live, what their analyzers do, and what they hold in memory.

import { el, emptyState, keyed, setText } from "./dom.js";
import { ago, count, number, percent, songs, span } from "./format.js";
import { figure, figures } from "./figures.js";

/** A worker says that it lives every second or so. */
const isLate = 10_000;
const activities = { starting: "Starting", idle: "Idle", analyzing: "Analysing", probing: "Looking into files", unknown: "Something else" };

export function part({ api }) {
  const list = el("div", { class: "stack" });
  const none = el("div", {}, emptyState("No worker is connected", "Nothing is analysed until one is. Start analysis-worker, or look into its log."));
  return { element: el("div", { class: "stack" }, none, list), refresh: async () => {
    const workers = await api.workers();
    none.hidden = workers.length > 0;
    keyed(list, workers, (worker) => worker.id, workerCard);
  } };
}

function workerCard(first) {
  const beat = el("span", { class: "badge" });
  const place = el("div", { class: "stack" });
  const element = el("section", { class: "card result", "aria-label": `Worker ${first.id}` },
    el("div", { class: "spread" }, el("h2", { class: "code" }, first.id.slice(0, 12)), beat), place);
  function update(worker) {
    const silence = Date.now() - new Date(worker.last_heartbeat);
    element.dataset.tone = silence > isLate ? "bad" : "done";
    setText(beat, silence > isLate ? `Silent for ${span(silence / 1000)}` : "Alive");
    place.replaceChildren(figures(
      figure("Lanes", worker.lanes.join(", ") || "none"), figure("Connected", ago(worker.connected_at)),
      figure("Analysed", songs(worker.songs_analyzed)), figure("Failed", songs(worker.songs_failed)),
      figure("Interrupted", count(worker.interruptions, "time")), figure("Suspended now", String(worker.suspended)),
      figure("Memory of analyzers", bytes(worker.memory_bytes)),
      figure("Load of a core", worker.load_per_core === null ? null : number(worker.load_per_core, 2)),
      figure("Memory available", worker.memory_available === null ? null : percent(worker.memory_available))),
    processes(worker.processes), errors(worker.errors));
  }
  return { element, update };
}

function processes(list) {
  if (!list.length) return el("p", { class: "soft" }, "It has started no analyzer.");
  const heads = ["Analyzer", "Does", "Song", "Memory", "Process"];
  return el("div", { class: "scrolls" }, el("table", { class: "figures-table" }, el("caption", { class: "hidden" }, "Analyzers"),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...list.map((process) => el("tr", {}, el("th", { scope: "row" }, process.analyzer), el("td", {}, doing(process)),
      el("td", {}, process.song_id === null ? "–" : percent(process.fraction)), el("td", {}, bytes(process.memory_bytes)),
      el("td", {}, process.pid === 0 ? "–" : String(process.pid)))))));
}

function doing(process) {
  const lasts = (since) => (since ? ` for ${span(Math.max(0, Date.now() - new Date(since)) / 1000)}` : "");
  if (process.stuck_since) return `Stuck${lasts(process.stuck_since)}`;
  return `${process.frozen ? "Frozen" : activities[process.activity]}${lasts(process.since)}`;
}

function errors(list) {
  if (!list.length) return el("p", { class: "soft" }, "No analyzer has ended by itself.");
  return el("div", {}, el("h3", {}, "Analyzers that ended by themselves"), el("ul", { class: "failures" },
    ...list.toReversed().map((error) => el("li", {}, `${ago(error.at)}: ${error.analyzer}, ${error.reason}`))));
}

function bytes(value) {
  if (value < 1_048_576) return `${Math.round(value / 1024)} KB`;
  return value < 1_073_741_824 ? `${Math.round(value / 1_048_576)} MB` : `${number(value / 1_073_741_824)} GB`;
}
