// What jobs are about, by name: playlists from the list, songs as they are met. Asked once each.

import { api } from "/api.js";

const songs = new Map();
let playlists = new Map();

export function rememberPlaylists(list) {
  playlists = new Map(list.map((playlist) => [String(playlist.id), playlist.name]));
}

export function rememberSongs(list) {
  for (const song of list) songs.set(String(song.id), song.name);
}

export function forgetNames() {
  songs.clear();
  playlists.clear();
}

/** The name of a job's target, at once when it is known; otherwise `whenKnown` is called later. */
export function targetName(entry, whenKnown) {
  if (entry.job_type === "background_analysis") return "everything not analysed yet";
  const id = String(entry.target_id);
  if (entry.job_type === "playlist_analysis") return playlists.get(id) ?? "a playlist";
  const song = entry.current_song;
  if (song && String(song.id) === id) songs.set(id, song.name);
  if (!songs.has(id)) {
    songs.set(id, "a song");
    api.songAnalysis(id).then((answer) => { songs.set(id, answer.song.name); whenKnown(); }, () => songs.delete(id));
  }
  return songs.get(id);
}
