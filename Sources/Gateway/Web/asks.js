// What has been clicked and not yet been heard of: shown at once, before the server answers, and taken back if it refuses.

import { live } from "./live.js";
import { toast } from "./toast.js";

/** For how many milliseconds a click's own feedback stands before the stream must have said something. */
const patience = 4_000;
const priorities = { song: "high", playlist: "medium", background: "low" };
const asked = new Map();
const presumed = new Map();

const keyOf = (type, id) => `${type}:${id}`;

/**
 * Asks for an analysis. `action` answers as the gateway does to what starts one. Resolves to that answer, or to undefined
 * where it was refused, which has been told then.
 */
export async function ask(type, id, action) {
  const key = keyOf(type, id);
  const earlier = asked.get(key);
  if (earlier && !answered(earlier)) return undefined;
  const ask = {
    job_id: `asked ${key}`, job_type: `${type}_analysis`, type, target_id: id, status: "asked", priority: priorities[type],
    progress: 0, step_progress: 0, completed_items: 0, total_items: 0, failed: 0, eta_seconds: null, position: -1, stage: "",
    message: "", current_song: null, is_complete: false, isAsk: true, real: null,
  };
  asked.set(key, ask);
  live.touch();
  try {
    const answer = await action();
    ask.real = answer.job_id ?? null;
    if (ask.real === null) {
      asked.delete(key);
      toast(answer.message);
    } else {
      live.expect(ask.real);
      setTimeout(() => { if (asked.get(key) === ask) asked.delete(key); live.touch(); }, patience);
    }
    return answer;
  } catch (error) {
    asked.delete(key);
    toast(error.message, "bad");
    return undefined;
  } finally {
    live.touch();
  }
}

/** Whether this was clicked, and no job of it has been heard of yet. */
export function isAsked(type, id) {
  const ask = asked.get(keyOf(type, id));
  return Boolean(ask) && !answered(ask);
}

function answered(ask) {
  return ask.real !== null && live.job(ask.real) !== null;
}

/** The jobs that have not ended, with what was just clicked first, as far as it is known what the clicks will have done. */
export function jobs() {
  const clicked = [...asked.values()].filter((ask) => !answered(ask));
  return [...clicked, ...live.jobs.map(withPresumption)];
}

/** Pauses, resumes or cancels a job: shown as done at once. */
export async function change(jobId, status, action) {
  presumed.set(jobId, { status, until: performance.now() + patience });
  live.touch();
  try {
    await action();
    setTimeout(() => live.touch(), patience);
  } catch (error) {
    presumed.delete(jobId);
    toast(error.message, "bad");
    live.touch();
  }
}

function withPresumption(entry) {
  const guess = presumed.get(entry.job_id);
  if (!guess) return entry;
  if (entry.status === guess.status || performance.now() > guess.until || (guess.status === "pending" && entry.status !== "paused")) {
    presumed.delete(entry.job_id);
    return entry;
  }
  return { ...entry, status: guess.status, message: "" };
}
