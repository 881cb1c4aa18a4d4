// Numbers, times and states as people read them.

/** 75000 → "1:15"; hours appear when there are any. */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  const seconds = Math.round(milliseconds / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, index) => (index === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** "8 s", "4 minutes", "2 h 5 min": how long something took, in words. */
export function span(seconds) {
  if (seconds < 1) return "less than a second";
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return count(Math.round(seconds / 60), "minute");
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return [`${Math.floor(minutes / 60)} h`, minutes % 60 && `${minutes % 60} min`].filter(Boolean).join(" ");
  return count(Math.round(minutes / 1440), "day");
}

/** What is left, counting down calmly: by seconds only within the last minute. */
export function timeLeft(seconds) {
  if (seconds < 3) return "a moment left";
  if (seconds < 60) return `${Math.round(seconds)} s left`;
  if (seconds < 600) return `${duration(Math.ceil(seconds / 5) * 5000)} left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min left` : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

export function percent(fraction) {
  return fraction >= 1 ? "100 %" : `${Math.max(0, Math.min(99, Math.floor(fraction * 100)))} %`;
}

export function number(value, digits = 1) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  return value.toLocaleString("en-GB", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
}

/** With its sign, as differences are told. */
export function signed(value, digits = 1) {
  return `${value > 0 ? "+" : ""}${number(value, digits)}`;
}

/** A service's word at the beginning of a sentence. */
export function sentence(text) {
  return text ? text.charAt(0).toUpperCase() + text.slice(1) : "";
}

export function count(value, word) {
  return value === 1 ? `1 ${word}` : `${value.toLocaleString("en-GB")} ${word}s`;
}

export function songs(value) {
  return count(value, "song");
}

export function when(iso) {
  if (!iso) return "–";
  return new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** "just now", "4 minutes ago", "yesterday", then the date. */
export function ago(iso, now = Date.now()) {
  if (!iso) return "–";
  const seconds = (now - new Date(iso).getTime()) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${count(Math.max(1, Math.round(seconds / 60)), "minute")} ago`;
  if (seconds < 20 * 3600) return `${count(Math.round(seconds / 3600), "hour")} ago`;
  return when(iso);
}

/** "C# minor" → "C♯ minor", "Bb major" → "B♭ major". */
export function keyName(name) {
  return name?.replace("#", "♯").replace(/^([A-G])b/, "$1♭") ?? "";
}

export const typeWord = { song: "Song", playlist: "Playlist", background: "Whole library" };
export const priorityWord = { high: "High priority", medium: "Medium priority", low: "Low priority" };
export const statusWord = {
  asked: "Asked for…", scheduled: "Scheduled", pending: "Waiting", in_progress: "Analysing", interrupted: "Waiting to go on",
  paused: "Paused", completed: "Done", failed: "Failed", cancelled: "Cancelled", idle: "Not asked for",
};

/** `job_type` without its suffix, however it is written: song, playlist or background. */
export function jobType(entry) {
  return (entry.job_type ?? "").toLowerCase().replace("_analysis", "");
}
