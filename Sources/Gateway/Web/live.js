// The one event stream: keeps the latest progress of every context, and says when it changes or when the stream drops.

import { api } from "/api.js";

/** For how many milliseconds a click's own feedback stands before the stream must have said something. */
export const patience = 4_000;
const longestDelay = 5_000;
const forgetUnseenAfter = 1_500;

/**
 * Dispatches `progress` (detail: the entry), `ended` (detail: a job's last entry), `changed` (once a frame, whatever
 * changed), `connection` (detail: "live", "connecting" or "lost") and `signed-out` (the session has ended meanwhile).
 */
class Live extends EventTarget {
  #source = null;
  #playlist = null;
  #entries = new Map();
  #seen = new Map();
  #delay = 500;
  #timer = 0;
  #frame = 0;

  /** Opens the stream; a playlist's own progress comes with it when one is named. */
  open(playlist = null) {
    if (this.#source && this.#playlist === playlist) return;
    this.close();
    this.#playlist = playlist;
    this.#connect();
  }

  close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  /** Forgets everything: for the next person who signs in. */
  reset() {
    this.close();
    this.#entries.clear();
    this.#seen.clear();
  }

  get library() { return this.#entries.get("library") ?? null; }
  playlist(id) { return this.#entries.get(`playlist:${id}`) ?? null; }
  job(id) { return this.#entries.get(`job:${id}`) ?? null; }

  /** The jobs that have not ended: the running one first, then in queue order. */
  get jobs() {
    const running = (entry) => (entry.status === "in_progress" ? 0 : 1);
    return [...this.#entries.values()]
      .filter((entry) => entry.context.type === "job" && !entry.is_complete)
      .sort((a, b) => running(a) - running(b) || a.position - b.position || (a.job_id < b.job_id ? -1 : 1));
  }

  /** The entry whose analyzer works on this song just now, or the song's own job. */
  ofSong(id) {
    const same = (other) => String(other) === String(id);
    return this.jobs.find((job) => job.status === "in_progress" && job.current_song && same(job.current_song.id))
      ?? this.jobs.find((job) => job.job_type === "song_analysis" && same(job.target_id)) ?? null;
  }

  #connect() {
    this.#say("connecting");
    const query = new URLSearchParams({ library: "1", active: "1" });
    if (this.#playlist !== null) query.set("playlist", this.#playlist);
    const source = new EventSource(`/api/events?${query}`);
    this.#source = source;
    source.onopen = () => {
      this.#delay = 500;
      this.#say("live");
      const opened = performance.now();
      setTimeout(() => this.#forgetUnseen(opened), forgetUnseenAfter);
    };
    source.onerror = () => {
      this.#say("lost");
      source.close();
      this.#retry();
    };
    source.addEventListener("progress", (event) => this.#take(JSON.parse(event.data)));
  }

  /** Asks who is signed in before the next try, because an event stream does not say why it was refused. */
  #retry() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      try {
        if (await api.session()) this.#connect();
        else this.dispatchEvent(new Event("signed-out"));
      } catch {
        this.#retry();
      }
    }, this.#delay * (0.75 + Math.random() / 2));
    this.#delay = Math.min(longestDelay, this.#delay * 2);
  }

  #take(entry) {
    const { type, id } = entry.context;
    const key = type === "library" ? "library" : `${type}:${id}`;
    const before = this.#entries.get(key);
    if (before && entry.version < before.version && !before.is_complete) return;
    entry.receivedAt = performance.now();
    this.#entries.set(key, entry);
    this.#seen.set(key, entry.receivedAt);
    this.dispatchEvent(new CustomEvent("progress", { detail: entry }));
    if (type === "job" && entry.is_complete && before && !before.is_complete) {
      this.dispatchEvent(new CustomEvent("ended", { detail: entry }));
    }
    this.#changed();
  }

  /** A job that ended while the stream was away is not in the new stream's snapshot. */
  #forgetUnseen(since) {
    for (const [key, at] of this.#seen) {
      if (at >= since || !key.startsWith("job:")) continue;
      this.#entries.delete(key);
      this.#seen.delete(key);
    }
    this.#changed();
  }

  #changed() {
    if (this.#frame) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.dispatchEvent(new Event("changed"));
    });
  }

  #say(state) {
    this.dispatchEvent(new CustomEvent("connection", { detail: state }));
  }
}

export const live = new Live();
