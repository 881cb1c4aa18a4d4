// Counts for how long progress is before the user's eyes, where the user lets it be counted.

import { api } from "./api.js";
import { live } from "./live.js";

/** A page that is killed loses no more than this. */
const reportsEvery = 60;
let isWanted = false;
let seconds = 0;

/** Takes note of what the user wants. */
export function countWatching(wanted) {
  isWanted = wanted;
  if (!isWanted) seconds = 0;
}

function report() {
  if (seconds < 1) return;
  const sent = seconds;
  seconds = 0;
  // Nobody waits for it, and nobody misses a minute.
  api.reportWatching(sent).catch(() => {});
}

setInterval(() => {
  if (!isWanted || document.hidden || !live.jobs.some((job) => job.status === "in_progress")) return;
  seconds += 1;
  if (seconds >= reportsEvery) report();
}, 1_000);
document.addEventListener("visibilitychange", () => { if (document.hidden) report(); });
addEventListener("pagehide", report);
