// Talks to the gateway. Every failure is an `ApiError` whose message can be shown as it is.

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const signedOut = new EventTarget();

/** Calls `listener` whenever the gateway says that nobody is signed in. */
export function onSignedOut(listener) {
  signedOut.addEventListener("signed-out", listener);
}

async function request(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method, headers, credentials: "same-origin", cache: "no-store",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "The server cannot be reached. Is the network there?");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 401) signedOut.dispatchEvent(new Event("signed-out"));
  throw new ApiError(response.status, answer.message ?? `The server answered ${response.status}.`);
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

  analyzeSong: (id, force = false) => request("POST", path("songs", id, "analyze"), { force }),
  analyzePlaylist: (id) => request("POST", path("playlists", id, "analyze")),
  reanalyzePlaylist: (id) => request("POST", path("playlists", id, "reanalyze-all")),
  analyzeLibrary: () => request("POST", "/api/analysis/background"),

  pause: (job) => request("POST", path("jobs", job, "pause")),
  resume: (job) => request("POST", path("jobs", job, "resume")),
  cancel: (job) => request("POST", path("jobs", job, "cancel")),
};
