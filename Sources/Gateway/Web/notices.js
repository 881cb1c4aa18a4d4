// Tells what happens to the user's analyses: what starts, makes way, goes on, and how it ended.

import { jobType, songs, span } from "./format.js";
import { live } from "./live.js";
import { targetName } from "./names.js";
import { toast } from "./toast.js";
import { countWatching } from "./watching.js";

/** One click makes several things happen at once; they are told together. */
const gatherFor = 300;
/** Statuses that the user does not want to hear of. */
let muted = new Set();
let gathered = [];

/** From now on, tells what the user's preferences ask for, in the colours that they ask for. */
export function obey({ notifications, theme, watching_time: watching }) {
  const statuses = {
    started: "in_progress", completed: "completed", failed: "failed", cancelled: "cancelled", displaced: "interrupted",
  };
  muted = new Set(Object.entries(statuses).filter(([kind]) => notifications?.[kind] === false).map(([, status]) => status));
  countWatching(watching);
  dispatchEvent(new CustomEvent("theme", { detail: theme }));
}

/** Whether this browser shows notifications outside the page: for those who have said so here, since no other browser can know. */
export const desktop = {
  get isWanted() {
    try { return localStorage.getItem("desktop-notifications") === "yes"; } catch { return false; }
  },
  set isWanted(wanted) {
    try { localStorage.setItem("desktop-notifications", wanted ? "yes" : "no"); } catch { /* Then it cannot be remembered. */ }
  },
};

live.addEventListener("transition", ({ detail }) => {
  if (gathered.length === 0) setTimeout(tell, gatherFor);
  gathered.push(detail);
});

function tell() {
  const latest = new Map();
  for (const { entry, before } of gathered) {
    const first = latest.get(entry.job_id)?.before;
    latest.set(entry.job_id, { entry, before: first === undefined ? before?.status ?? null : first });
  }
  gathered = [];
  const changes = [...latest.values()];
  const displaced = muted.has("interrupted") ? []
    : changes.filter(({ entry, before }) => entry.status === "interrupted" && before === "in_progress");
  // Background work is told of when its first batch begins and when its last one ends.
  const isNews = (entry, before) => entry.batch <= 1 || goesOn(before);
  const begun = muted.has("in_progress") ? []
    : changes.filter(({ entry, before }) => entry.status === "in_progress" && before !== "in_progress" && isNews(entry, before));
  for (const { entry } of changes) if (entry.is_complete) ended(entry);
  for (const { entry, before } of begun) began(entry, before, displaced);
  // Otherwise it is told together with what comes instead.
  if (begun.length === 0) for (const { entry } of displaced) toast(`${nameOf(entry)} makes way and goes on by itself later`);
}

function goesOn(before) {
  return before === "interrupted" || before === "paused";
}

function began(entry, before, displaced) {
  const makesWay = displaced.length > 0
    ? `. ${displaced.map((other) => nameOf(other.entry)).join(" and ")} makes way and goes on afterwards` : "";
  if (goesOn(before)) return toast(`Going on with ${inSentence(entry)}`);
  toast(`Analysing ${inSentence(entry)}${makesWay}`);
}

/** A song that somebody clicked deserves it as much as a whole playlist. */
function ended(entry) {
  if (muted.has(entry.status) || (entry.status === "completed" && entry.songs_left > 0)) return;
  const name = nameOf(entry);
  const link = linkTo(entry);
  if (entry.status === "cancelled") return toast(`Cancelled: ${name}`);
  if (entry.status === "failed") {
    notify(`${name} could not be analysed`, entry.message, entry);
    return toast(`${name}: ${entry.message}`, "bad", link);
  }
  const isOfMany = entry.batch > 1;
  const { completed_items: analysed, failed } = isOfMany && live.library || entry;
  const took = entry.start_time && !isOfMany ? `, ${span((new Date(entry.updated_at) - new Date(entry.start_time)) / 1000)}` : "";
  const failures = failed ? `, ${failed.toLocaleString("en-GB")} failed` : "";
  const summary = jobType(entry) === "song" ? `Analysed ${name}${took}`
    : `Finished ${jobType(entry) === "background" ? "your library" : name}: ${analysed.toLocaleString("en-GB")} analysed${failures}${took}`;
  notify("Analysis finished", summary, entry);
  toast(summary, failed ? "bad" : "good", link);
}

function nameOf(entry) {
  const type = jobType(entry);
  if (type === "background") return "Your library";
  return `“${targetName(entry)}”`;
}

function inSentence(entry) {
  return jobType(entry) === "background" ? `your library, ${songs(entry.total_items - entry.completed_items + entry.songs_left)} to go` : nameOf(entry);
}

function linkTo(entry) {
  const type = jobType(entry);
  return type === "background" ? null : { href: `#/${type}/${encodeURIComponent(entry.target_id)}`, text: "Show" };
}

/** On the desktop only while nobody looks at the page; tabs that say the same replace each other's word. */
function notify(title, body, entry) {
  if (!desktop.isWanted || !document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  try {
    new Notification(title, { body, tag: entry.job_id });
  } catch { /* Some phones allow them to service workers alone. */ }
}
