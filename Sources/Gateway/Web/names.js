// What jobs are about, by name: playlists from the list, songs as they are met. Asked once each.

import { api } from "./api.js";
import { jobType } from "./format.js";

const songs = new Map();
const playlists = new Map();
/** What is being asked, by what it is about. */
const learning = new Map();

export function rememberPlaylists(list) {
  playlists.clear();
  for (const playlist of list) playlists.set(String(playlist.id), playlist.name);
}

export function rememberSongs(list) {
  for (const song of list) if (song.name) songs.set(String(song.id), song.name);
}

export function forgetNames() {
  songs.clear();
  playlists.clear();
}

/** The name of a job's target, at once when it is known; otherwise `whenKnown` is called later. */
export function targetName(entry, whenKnown = () => {}) {
  const type = jobType(entry);
  if (type === "background") return "Everything not analysed yet";
  const id = String(entry.target_id);
  if (type === "playlist") {
    if (!playlists.has(id)) learn(playlists, id, () => api.playlists(), (answer) => rememberPlaylists(answer.playlists), whenKnown);
    return playlists.get(id) ?? "a playlist";
  }
  const song = entry.current_song;
  if (song?.name && String(song.id) === id) songs.set(id, song.name);
  if (!songs.has(id)) learn(songs, id, () => api.songAnalysis(id), (answer) => rememberSongs([answer.song]), whenKnown);
  return songs.get(id) ?? "a song";
}

function learn(names, id, request, take, whenKnown) {
  const key = names === songs ? `song ${id}` : "playlists";
  if (!learning.has(key)) {
    const answer = request().then((known) => { take(known); return true; }, () => false).finally(() => learning.delete(key));
    learning.set(key, answer);
  }
  // What still has no name is not asked for again and again.
  learning.get(key).then((isKnown) => { if (!names.has(id)) names.set(id, undefined); if (isKnown) whenKnown(); });
}
