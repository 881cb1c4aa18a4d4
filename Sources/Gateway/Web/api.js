// Talks to the gateway. Every failure is an `ApiError` whose message can be shown as it is.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const signedOut = new EventTarget();
/** What proves to the gateway that a change was asked for by this page; as long as it is not known, none is sent. */
let token = null;

/** Calls `listener` whenever the gateway says that nobody is signed in. */
export function onSignedOut(listener) {
  signedOut.addEventListener("signed-out", listener);
}

async function request(method, path, body, keepalive = false, isSecond = false) {
  const sent = token;
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["Content-Type"] = "application/json";
  if (method !== "GET" && token) headers["X-CSRF-Token"] = token;
  let response;
  try {
    response = await fetch(path, {
      // The browser keeps what it has read and asks whether it still holds: what has not changed does not come again.
      method, headers, keepalive, credentials: "same-origin", cache: "no-cache",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "The server cannot be reached. Is the network there?");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) {
    if ("csrf_token" in answer) token = answer.csrf_token;
    return answer;
  }
  if (response.status === 403 && sent && !isSecond) {
    // In another tab the session may have become another one, with the same cookie for both.
    await api.session().catch(() => {});
    if (token !== sent) return request(method, path, body, keepalive, true);
  }
  if (response.status === 401) signedOut.dispatchEvent(new Event("signed-out"));
  throw new ApiError(response.status, answer.message ?? `The server answered ${response.status}.`);
}

/** A path with those parameters that have a value. */
function query(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
}

const path = (...parts) => "/api/" + parts.map((part) => encodeURIComponent(part)).join("/");

export const api = {
  /** Who is signed in; null where nobody is. */
  session: async () => (await request("GET", "/api/session")).user,
  login: (user, password) => request("POST", "/api/login", { user, password }),
  logout: () => request("POST", "/api/logout"),

  playlists: () => request("GET", "/api/playlists"),
  playlistSongs: (id) => request("GET", path("playlist", id, "songs")),
  songAnalysis: (id) => request("GET", path("song", id, "analysis")),
  search: (text) => request("GET", query("/api/search_songs", { q: text })),

  progress: () => request("GET", "/api/progress"),
  libraryProgress: () => request("GET", "/api/progress/global"),
  playlistProgress: (id) => request("GET", path("progress", "playlist", id)),
  jobProgress: (id) => request("GET", path("progress", id)),

  analyzeSong: (id, force = false) => request("POST", path("songs", id, "analyze"), { force }),
  analyzePlaylist: (id) => request("POST", path("playlists", id, "analyze")),
  reanalyzePlaylist: (id) => request("POST", path("playlists", id, "reanalyze-all")),
  analyzeLibrary: () => request("POST", "/api/analysis/background"),

  pause: (job) => request("POST", path("jobs", job, "pause")),
  resume: (job) => request("POST", path("jobs", job, "resume")),
  cancel: (job) => request("POST", path("jobs", job, "cancel")),
  retry: (job) => request("POST", path("jobs", job, "retry")),

  story: (job, pageToken) => request("GET", query(path("history", job), { page_token: pageToken })),
  history: (parameters) => request("GET", query("/api/history", parameters)),
  rate: (job, body) => request("PUT", path("history", job, "rating"), body),
  unrate: (job) => request("DELETE", path("history", job, "rating")),
  insights: () => request("GET", "/api/library/insights"),
  preferences: async () => (await request("GET", "/api/preferences")).preferences,
  setPreferences: async (changes) => (await request("PUT", "/api/preferences", changes)).preferences,
  /** Is sent even while the page is left. */
  reportWatching: (seconds) => request("POST", "/api/watching", { seconds }, true),
  changePassword: (current, password) => request("POST", "/api/me/password", { current_password: current, password }),
  removeMe: (password) => request("DELETE", "/api/me", { password }),

  /** For administrators. */
  admin: {
    queue: async () => (await request("GET", "/api/admin/queue")).queue,
    pause: async (body) => (await request("POST", "/api/admin/queue/pause", body)).queue,
    resume: async () => (await request("POST", "/api/admin/queue/resume", {})).queue,
    workers: async () => (await request("GET", "/api/admin/workers")).workers,
    statistics: (days) => request("GET", query("/api/admin/statistics", { days })),
    accuracy: (days) => request("GET", query("/api/admin/eta-accuracy", { days })),
    deadLetters: (pageToken) => request("GET", query("/api/admin/dead-letters", { limit: 20, page_token: pageToken })),
    ratings: (pageToken) => request("GET", query("/api/admin/ratings", { limit: 20, page_token: pageToken })),
    replay: (job) => request("POST", path("admin", "dead-letters", job, "replay")),
    replayAll: () => request("POST", "/api/admin/dead-letters/replay", {}),
    jobs: (pageToken) => request("GET", query("/api/admin/jobs", { limit: 20, page_token: pageToken })),
    story: (job, pageToken) => request("GET", query(path("admin", "jobs", job, "story"), { songs: 1, page_token: pageToken })),
    cancel: (job) => request("POST", path("admin", "jobs", job, "cancel")),
    clear: (type) => request("POST", "/api/admin/queue/clear", type ? { type } : {}),
    alerts: () => request("GET", "/api/admin/alerts"),
    acknowledge: (alert) => request("POST", path("admin", "alerts", alert, "acknowledge"), {}),
    audit: (pageToken) => request("GET", query("/api/admin/audit", { limit: 50, page_token: pageToken })),
    users: (pageToken) => request("GET", query("/api/admin/users", { page_token: pageToken })),
    addUser: (body) => request("POST", "/api/admin/users", body),
    setRole: (user, role) => request("PUT", path("admin", "users", user, "role"), { role }),
    setPassword: (user, password) => request("PUT", path("admin", "users", user, "password"), { password }),
    removeUser: (user) => request("DELETE", path("admin", "users", user)),
  },
};
