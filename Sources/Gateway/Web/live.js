// The latest progress of every context, and word of what changed.

import { api } from "./api.js";
import { SharedStream } from "./stream.js";

/** A stream begins with what there is; what comes later than this is news. */
const snapshotLasts = 1_500;

/**
 * Dispatches `changed` (once a frame, whatever changed), `transition` (detail: `{ entry, before }`, when a job's status changes
 * or a new job appears), `library-done`, `alert` (detail: `{ alert, isNews }`, for administrators; without an alert where what there was may be over), `connection` (detail: the state), `signed-out` and `signed-in`.
 */
class Live extends EventTarget {
  #entries = new Map();
  #expected = new Set();
  #alerts = new Map();
  #snapshotAt = -Infinity;
  #frame = 0;
  #timer = 0;
  #stream = new SharedStream((message) => this.#hear(message));
  /** When something was last heard, in `performance.now()`. */
  heardAt = performance.now();

  open(playlist = null) { this.#stream.open(playlist); }
  announce(type) { this.#stream.announce(type); }

  /** Forgets everything: for the next person who signs in. */
  reset() {
    this.#stream.close();
    this.#entries.clear();
    this.#expected.clear();
    this.#alerts.clear();
  }

  /** The alerts that last. */
  get alerts() { return [...this.#alerts.values()]; }

  get library() { return this.#entries.get("library:null") ?? null; }
  playlist(id) { return this.#entries.get(`playlist:${id}`) ?? null; }
  job(id) { return this.#entries.get(`job:${id}`) ?? null; }

  /** The jobs that have not ended: the running one first, then in queue order. */
  get jobs() {
    const rank = { in_progress: 0, paused: 2 };
    const place = (entry) => rank[entry.status] ?? 1;
    return [...this.#entries.values()]
      .filter((entry) => entry.context.type === "job" && !entry.is_complete)
      .sort((a, b) => place(a) - place(b) || a.position - b.position || (a.job_id < b.job_id ? -1 : 1));
  }

  /** The entry whose analyzer works on this song just now, or the song's own job. */
  ofSong(id) {
    const same = (other) => String(other) === String(id);
    return this.jobs.find((job) => job.status === "in_progress" && job.current_song && same(job.current_song.id))
      ?? this.jobs.find((job) => job.job_type === "song_analysis" && same(job.target_id)) ?? null;
  }

  /** A job that was just asked for is news even where it comes with a snapshot. */
  expect(jobId) { this.#expected.add(jobId); }

  /** Has `changed` dispatched before the next frame. */
  touch() {
    if (this.#frame) return;
    // A hidden tab draws no frames.
    const schedule = document.hidden ? (run) => setTimeout(run, 250) : requestAnimationFrame;
    this.#frame = schedule(() => {
      this.#frame = 0;
      this.dispatchEvent(new Event("changed"));
    });
  }

  #hear(message) {
    if (message.type === "progress") return this.#take(message.entry, message.isKnown);
    if (message.type === "alert") return this.#alert(message.alert, message.isKnown);
    if (message.type === "connection") {
      if (message.state !== "lost") this.heardAt = performance.now();
      this.dispatchEvent(new CustomEvent("connection", { detail: message.state }));
    } else if (message.type === "snapshot") {
      this.#snapshotAt = performance.now();
      // Those that still last are told again.
      const hadAlerts = this.#alerts.size > 0;
      this.#alerts.clear();
      if (hadAlerts) this.dispatchEvent(new CustomEvent("alert", { detail: { alert: null, isNews: false } }));
      // Where the page asks in a loop, snapshots come more often than this.
      this.#timer ||= setTimeout(() => {
        this.#timer = 0;
        this.#findUnseen();
      }, snapshotLasts);
    } else {
      this.dispatchEvent(new Event(message.type));
    }
  }

  #alert(alert, isKnown = false) {
    const before = this.#alerts.get(alert.id);
    if (alert.cleared_at) this.#alerts.delete(alert.id);
    else this.#alerts.set(alert.id, alert);
    const isSnapshot = isKnown || performance.now() - this.#snapshotAt < snapshotLasts;
    const isNews = alert.cleared_at ? Boolean(before) : !before && !isSnapshot;
    this.dispatchEvent(new CustomEvent("alert", { detail: { alert, isNews } }));
  }

  #take(entry, isKnown = false) {
    const key = `${entry.context.type}:${entry.context.id}`;
    const before = this.#entries.get(key);
    entry.receivedAt = this.heardAt = performance.now();
    if (before && entry.version < before.version && !before.is_complete) {
      before.receivedAt = entry.receivedAt;
      return;
    }
    this.#entries.set(key, entry);
    if (entry.context.type === "job") this.#compare(entry, before, isKnown);
    const isDone = (library) => library.is_complete || (library.total_items > 0 && library.completed_items === library.total_items);
    if (entry.context.type === "library" && before && !isDone(before) && isDone(entry)) this.dispatchEvent(new Event("library-done"));
    this.touch();
  }

  #compare(entry, before, isKnown) {
    const isSnapshot = isKnown || performance.now() - this.#snapshotAt < snapshotLasts;
    const isNews = before ? before.status !== entry.status : !isSnapshot || this.#expected.has(entry.job_id);
    this.#expected.delete(entry.job_id);
    if (isNews) this.dispatchEvent(new CustomEvent("transition", { detail: { entry, before: before ?? null } }));
  }

  /** What ended while the stream was away is not in the new stream's snapshot; it is asked how it ended. */
  #findUnseen() {
    for (const entry of this.jobs) {
      if (entry.receivedAt >= this.#snapshotAt) continue;
      api.jobProgress(entry.job_id).then(({ progress }) => this.#take(progress), (error) => {
        if (error.status !== 404) return;
        this.#entries.delete(`job:${entry.job_id}`);
        this.touch();
      });
    }
  }
}

export const live = new Live();
