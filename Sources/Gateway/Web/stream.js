// One event stream for all tabs of a browser. The tab that holds a lock opens it and passes on what comes; where tabs cannot
// share, each opens its own; where streams are blocked, it asks in a loop.

import { api } from "./api.js";

const leaderLock = "analysis leader";
const playlistLock = "analysis playlist ";
const longestDelay = 5_000;
/** Between two rounds of asking; the server may say that it is worth asking sooner. */
const longestPause = 2_000;
const streamAgainAfter = 60_000;
const failuresUntilPolling = 3;

/**
 * `hear` gets `{ type: "progress", entry }`, `{ type: "connection", state }`, where state is "connecting", "live", "polling" or
 * "lost", `{ type: "snapshot" }` before the first entries of a stream, `{ type: "alert", alert }` for administrators, and
 * `{ type: "signed-out" }`.
 */
export class SharedStream {
  #hear;
  #channel = "BroadcastChannel" in window ? new BroadcastChannel("analysis") : null;
  #isLeader = false;
  #isOpen = false;
  #source = null;
  #state = "connecting";
  #known = new Map();
  /** The alerts that last. */
  #alerts = new Map();
  #playlist = null;
  #watched = "";
  #delay = 500;
  #failures = 0;
  #timer = 0;
  #release = null;
  #releasePlaylist = null;
  /** Of the latest request for a playlist's lock. */
  #turn = null;
  /** Playlists that tabs watch and that are not there any more. */
  #removed = new Set();

  constructor(hear) {
    this.#hear = hear;
    if (this.#channel) this.#channel.onmessage = ({ data }) => this.#take(data);
    addEventListener("offline", () => { if (this.#isLeader) this.#lost(); });
    addEventListener("online", () => { if (this.#isLeader && this.#isOpen) this.#again(0); });
  }

  /** Starts, or adds the playlist whose own progress is wanted from now on instead of the last one's. */
  open(playlist) {
    const first = !this.#isOpen;
    this.#isOpen = true;
    if (first) this.#lead();
    if (this.#playlist !== playlist) this.#watch(playlist);
    else if (first) this.#tell({ type: "hello" });
  }

  close() {
    this.#isOpen = false;
    this.#releasePlaylist?.();
    this.#release?.();
    this.#playlist = this.#releasePlaylist = this.#release = this.#turn = null;
    this.#removed.clear();
    this.#stop();
    this.#isLeader = false;
    this.#known.clear();
    this.#alerts.clear();
  }

  /** Tells the other tabs who may have to leave, or can come in. */
  announce(type) {
    this.#tell({ type });
  }

  /** Waits for the lock; whoever holds it leads until the tab is closed. */
  #lead() {
    const lead = () => new Promise((release) => {
      if (!this.#isOpen) return release();
      this.#release = release;
      this.#isLeader = true;
      this.#connect();
    });
    if (!navigator.locks || !this.#channel) return void lead();
    navigator.locks.request(leaderLock, lead);
  }

  /** A lock tells the leader what this tab watches, and goes by itself when the tab does. */
  async #watch(playlist) {
    const turn = this.#turn = {};
    this.#playlist = playlist;
    this.#removed.delete(playlist);
    this.#releasePlaylist?.();
    this.#releasePlaylist = null;
    if (playlist !== null && navigator.locks) {
      await new Promise((held) => navigator.locks.request(playlistLock + playlist, { mode: "shared" }, () => {
        held();
        // Who has moved on meanwhile does not keep it.
        if (turn === this.#turn) return new Promise((release) => { this.#releasePlaylist = release; });
      }));
      if (turn !== this.#turn) return;
    }
    if (this.#isLeader) this.#follow();
    else this.#tell({ type: "hello" });
  }

  /** What all tabs watch; the leader's own playlist alone where tabs cannot share. */
  async #playlists() {
    const own = this.#playlist === null ? [] : [this.#playlist];
    const held = navigator.locks ? (await navigator.locks.query()).held : [];
    const all = held.filter((lock) => lock.name.startsWith(playlistLock)).map((lock) => lock.name.slice(playlistLock.length));
    return [...new Set([...own, ...all])].filter((playlist) => !this.#removed.has(playlist)).sort();
  }

  /** Opens the stream anew where it lacks a playlist. */
  async #follow() {
    const wanted = await this.#playlists();
    if (wanted.some((playlist) => !this.#watched.split("\n").includes(playlist)) && this.#isLeader) this.#connect();
  }

  #take(message) {
    if (message.type === "hello") {
      if (!this.#isLeader) return;
      this.#tell({ type: "connection", state: this.#state });
      for (const entry of this.#known.values()) this.#tell({ type: "progress", entry, isKnown: true });
      for (const alert of this.#alerts.values()) this.#tell({ type: "alert", alert, isKnown: true });
      this.#follow();
    } else if (message.type === "signed-out" || message.type === "signed-in") {
      this.#hear(message);
    } else if (this.#isOpen && !this.#isLeader) {
      this.#hear(message);
    }
  }

  #tell(message) {
    this.#channel?.postMessage(message);
  }

  /** To this tab and to all others. */
  #spread(message) {
    if (message.type === "progress") this.#remember(message.entry);
    if (message.type === "alert" && message.alert.cleared_at) this.#alerts.delete(message.alert.id);
    else if (message.type === "alert") this.#alerts.set(message.alert.id, message.alert);
    if (message.type === "connection") this.#state = message.state;
    this.#hear(message);
    this.#tell(message);
  }

  #remember(entry) {
    const key = `${entry.context.type}:${entry.context.id}`;
    if (entry.is_complete && entry.context.type === "job") this.#known.delete(key);
    else this.#known.set(key, entry);
  }

  async #connect() {
    this.#stop();
    if (this.#state === "lost") this.#spread({ type: "connection", state: "connecting" });
    const playlists = await this.#playlists();
    if (!this.#isLeader || this.#source) return;
    this.#watched = playlists.join("\n");
    const query = new URLSearchParams({ library: "1", active: "1" });
    for (const playlist of playlists) query.append("playlist", playlist);
    const source = new EventSource(`/api/events?${query}`);
    this.#source = source;
    source.onopen = () => {
      this.#delay = 500;
      this.#failures = 0;
      this.#known.clear();
      this.#alerts.clear();
      this.#spread({ type: "snapshot" });
      this.#spread({ type: "connection", state: "live" });
    };
    source.onerror = () => this.#lost();
    source.addEventListener("alert", (event) => this.#spread({ type: "alert", alert: JSON.parse(event.data) }));
    source.addEventListener("progress", (event) => this.#spread({ type: "progress", entry: JSON.parse(event.data) }));
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #lost() {
    this.#stop();
    this.#failures += 1;
    if (this.#state !== "polling") this.#spread({ type: "connection", state: "lost" });
    this.#again(this.#delay * (0.75 + Math.random() / 2));
    this.#delay = Math.min(longestDelay, this.#delay * 2);
  }

  /** One that was removed would have the stream of all tabs refused. */
  async #leaveOutRemoved() {
    await Promise.all((await this.#playlists()).map((playlist) => api.playlistProgress(playlist).catch((error) => {
      if (error.status === 404) this.#removed.add(playlist);
    })));
  }

  /** Asks who is signed in, and what is still there, before the next try: an event stream does not say why it was refused. */
  #again(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      try {
        if (!await api.session()) return this.#spread({ type: "signed-out" });
        await this.#leaveOutRemoved();
        // The server answers, and yet no stream comes through.
        if (this.#failures >= failuresUntilPolling) return this.#poll(performance.now() + streamAgainAfter);
        this.#connect();
      } catch {
        this.#failures = 0;
        this.#again(this.#delay);
        this.#delay = Math.min(longestDelay, this.#delay * 2);
      }
    }, delay);
  }

  /** What the server gives as last known, while something behind it is away, is no news. */
  async #poll(until) {
    let pause = longestPause;
    let isStale = false;
    try {
      const playlists = await this.#playlists();
      this.#watched = playlists.join("\n");
      const answers = await Promise.all([api.progress(), api.libraryProgress(), ...playlists.map(api.playlistProgress)]);
      if (!this.#isLeader) return;
      const [jobs, ...others] = answers;
      pause = Math.min(pause, ...answers.map((answer) => answer.poll_after_ms));
      isStale = answers.some((answer) => answer.stale);
      const entries = [...others.map((other) => other.progress), ...Object.values(jobs.active_jobs)];
      if (!isStale) this.#spread({ type: "snapshot" });
      this.#spread({ type: "connection", state: isStale ? "lost" : "polling" });
      if (!isStale || this.#known.size === 0) for (const entry of entries) this.#spread({ type: "progress", entry });
    } catch {
      this.#failures = 0;
      this.#spread({ type: "connection", state: "lost" });
      return this.#again(this.#delay);
    }
    clearTimeout(this.#timer);
    // The stream was not blocked, it had nothing to tell: it is tried as soon as what was away is back.
    const goOn = isStale ? () => this.#poll(-Infinity) : performance.now() < until ? () => this.#poll(until) : () => this.#connect();
    this.#timer = setTimeout(goOn, pause);
  }
}
