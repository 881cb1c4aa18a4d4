// What became of a job: its transitions with time and cause, and the songs that failed.

import { el } from "./dom.js";
import { count, sentence, songs, span } from "./format.js";
import { act } from "./toast.js";


/** A story as the gateway tells it; `more` asks for the next page of it. */
export function storySections({ job, failures, events, is_cut: isCut, next_page_token: next }, more) {
  const list = el("ol", { class: "timeline", "aria-label": "What happened" });
  const begun = new Date(job.created_at).getTime();
  let day = "";
  function add(entries) {
    for (const entry of entries) {
      const at = new Date(entry.at);
      const today = at.toLocaleDateString(undefined, { dateStyle: "medium" });
      if (today !== day) list.append(el("li", { class: "day-head soft" }, today));
      day = today;
      const [what, why] = tell(entry);
      list.append(el("li", { "data-kind": entry.kind },
        el("time", { datetime: entry.at, class: "soft" }, at.toLocaleTimeString("en-GB")),
        el("span", { class: "soft since" }, `+${shortSpan(at.getTime() - begun)}`), el("span", {}, what), el("span", { class: "soft" }, why)));
    }
  }
  add(events);
  const sections = [];
  if (isCut) sections.push(el("p", { class: "soft" }, "The beginning is not known any more: the log keeps the latest events alone."));
  sections.push(events.length ? list : el("p", { class: "soft" }, "Nothing of it is in the log any more."));
  if (next) sections.push(moreButton(next, more, add));
  if (failures.length) sections.push(failureList(job, failures));
  return sections;
}

function moreButton(first, more, add) {
  let token = first;
  const button = el("button", { type: "button", onclick: async () => {
    const page = await act(button, () => more(token));
    if (!page) return;
    add(page.events);
    token = page.next_page_token;
    button.hidden = !token;
  } }, "Show what came next");
  return button;
}

function failureList(job, failures) {
  const rest = job.failed - failures.length;
  return el("div", {}, el("h3", {}, job.failed === 1 ? "What failed" : `What failed: ${songs(job.failed)}`),
    el("ul", { class: "failures" }, ...failures.map((failure) => el("li", {}, failure.name ? songLink(failure.song_id, failure.name) : "A song that is gone",
      `: ${failure.reason}`))), rest > 0 ? el("p", { class: "soft" }, `and ${songs(rest)} more`) : null);
}

function songLink(id, name) {
  return el("a", { href: `#/song/${encodeURIComponent(id)}` }, name);
}

/** What happened, and why. */
function tell(entry) {
  const song = entry.song ? `“${entry.song.name}”` : "a song";
  const reason = entry.reason ?? "";
  switch (entry.kind) {
    case "enqueued": return ["Asked for", ""];
    case "started": return ["Runs", entry.song ? `with ${song}` : ""];
    case "interrupted": return ["Made way", entry.by ? `for ${nameOf(entry.by)}` : reason ? `for ${reason}` : "its worker stopped, or the queue did"];
    case "worker_lost": return ["Lost its worker", "back in line, nothing finished was lost"];
    case "paused": return ["Paused", reason];
    case "resumed": return ["Resumed", reason];
    case "completed": return ["Done", reason];
    case "failed": return ["Failed", reason];
    case "cancelled": return ["Cancelled", reason];
    case "reprioritized": return ["Another priority", reason];
    case "replayed": return ["Tried again", "from its first song on"];
    case "scheduled": return ["Waits", sentence(reason) || "for its time"];
    case "due": return ["Back in line", ""];
    case "rated": return ["Rated", reason];
    case "moved": return ["Moved to another lane", ""];
    case "song_analyzed": return ["Analysed", song];
    case "song_failed": return [`${sentence(song)} failed`, reason];
    case "song_retry": return [`${sentence(song)} failed for now`, `${reason}; it is tried again`];
    case "song_skipped": return ["Passed over", `${count(entry.songs, "song")} known already, or removed`];
    default: return [sentence(entry.kind.replaceAll("_", " ")), reason];
  }
}

/** What a job is about, in a sentence. */
export function nameOf(job) {
  const owner = job.user_id ? ` of ${job.user_id}` : "";
  if (job.type === "background") return job.user_id ? `the library${owner}` : "your library";
  return `${job.name ? `“${job.name}”` : `a ${job.type} that is gone`}${owner}`;
}

function shortSpan(milliseconds) {
  return milliseconds < 10_000 ? `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s` : span(milliseconds / 1000).replace(/ minutes?/, " min");
}
