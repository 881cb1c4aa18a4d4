// Numbers, times and states as people read them.

/** 75000 → "1:15"; hours appear when there are any. */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  const seconds = Math.round(milliseconds / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** What is left, counting down: exact below an hour, in minutes above it. */
export function timeLeft(seconds) {
  if (seconds < 3) return "a moment left";
  if (seconds < 60) return `${Math.round(seconds)} s left`;
  if (seconds < 3600) return `${duration(Math.round(seconds) * 1000)} left`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

export function percent(fraction) {
  return fraction >= 1 ? "100 %" : `${Math.min(99, Math.floor(fraction * 100))} %`;
}

export function number(value, digits = 1) {
  return typeof value === "number" && Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "–";
}

/** A service's word at the beginning of a sentence. */
export function sentence(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function songs(count) {
  return count === 1 ? "1 song" : `${count} songs`;
}

export function when(iso) {
  if (!iso) return "–";
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

export const typeWord = { song: "Song", playlist: "Playlist", background: "Whole library" };
export const priorityWord = { high: "High priority", medium: "Medium priority", low: "Low priority" };
export const statusWord = {
  scheduled: "Scheduled", pending: "Waiting", in_progress: "Analysing", interrupted: "Waiting to go on",
  paused: "Paused", completed: "Done", failed: "Failed", cancelled: "Cancelled", idle: "Not asked for",
};

/** `job_type` without its suffix: song, playlist or background. */
export function jobType(entry) {
  return (entry.job_type ?? "").replace("_analysis", "");
}
