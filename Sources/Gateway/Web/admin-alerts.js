// What is wrong with the system: what lasts first, with what to do about it, then what is over.

import { el, emptyState, keyed, setText } from "./dom.js";
import { ago, count, span, when } from "./format.js";
import { live } from "./live.js";
import { act, toast } from "./toast.js";

const tones = { critical: ["bad", "Critical"], warning: ["medium", "Warning"], unknown: ["still", "Alert"] };

export function part({ api, again }) {
  const active = el("div", { class: "stack" });
  const none = el("div", {}, emptyState("All is well", "Nothing is wrong with the queue, its workers or Redis. What goes wrong appears here, and at the webhook if there is one."));
  const past = el("div", { class: "card" });
  const history = el("section", { class: "stack", "aria-labelledby": "past-alerts" }, el("h2", { id: "past-alerts" }, "Over"), past);
  live.addEventListener("alert", again);
  return {
    element: el("div", { class: "stack" }, none, active, history), close: () => live.removeEventListener("alert", again),
    refresh: async () => {
      const alerts = await api.alerts();
      keyed(active, alerts.active, (alert) => alert.id, (alert) => lasting(alert, api, again));
      keyed(past, alerts.past, (alert) => alert.id, over);
      none.hidden = alerts.active.length > 0;
      history.hidden = alerts.past.length === 0;
    },
  };
}

function lasting(first, api, again) {
  const [tone, word] = tones[first.severity];
  const since = el("time", { class: "soft", datetime: first.raised_at, title: when(first.raised_at) });
  const escalated = el("span", { class: "soft" });
  const summary = el("h2", {});
  const said = el("p", { class: "detail" });
  const button = el("button", { type: "button", "aria-label": `Acknowledge: ${first.summary}`, onclick: async () => {
    if (await act(button, () => api.acknowledge(first.id))) toast("Acknowledged: it is not escalated any more", "good");
    again();
  } }, "Acknowledge");
  const element = el("article", { class: "job past alert", "data-tone": tone },
    el("div", { class: "job-head" }, el("span", { class: "badge" }, word), since, escalated), summary,
    el("p", { class: "detail" }, el("strong", {}, "What to do: "), ...code(first.advice)), said, el("div", { class: "actions" }, button));
  return { element, update: (alert) => {
    setText(summary, alert.summary);
    setText(since, `since ${ago(alert.raised_at)}`.replace("since just now", "just now"));
    setText(escalated, alert.escalated_at ? `escalated ${ago(alert.escalated_at)}` : "");
    setText(said, alert.acknowledged_at ? `${alert.acknowledged_by} looks after it, ${ago(alert.acknowledged_at)}${alert.note ? `: ${alert.note}` : ""}` : "");
    said.hidden = !alert.acknowledged_at;
    button.hidden = Boolean(alert.acknowledged_at);
  } };
}

function over(first) {
  const lasted = (new Date(first.cleared_at) - new Date(first.raised_at)) / 1000;
  const by = first.acknowledged_by ? ` · ${first.acknowledged_by} looked after it` : "";
  const element = el("div", { class: "line", "data-tone": tones[first.severity][0] }, el("p", {}, first.summary),
    el("span", { class: "soft" }, el("span", { class: "classed" }, tones[first.severity][1]),
      ` · ${when(first.raised_at)} · lasted ${span(lasted)}${by}`));
  return { element, update: () => {} };
}

/** Text with what stands between backquotes as code. */
function code(text) {
  return text.split("`").map((piece, index) => (index % 2 ? el("code", {}, piece) : piece));
}

const badge = el("span", { class: "badge alerts-badge", "data-tone": "bad", hidden: true });

/** How many alerts last, beside the link to the administration; nothing where all is well. */
export function alertBadge() {
  showBadge();
  return badge;
}

function showBadge() {
  const number = live.alerts.length;
  badge.hidden = number === 0;
  badge.setAttribute("aria-label", count(number, "alert"));
  setText(badge, String(number));
}

live.addEventListener("alert", ({ detail: { alert, isNews } }) => {
  showBadge();
  if (!isNews) return;
  const link = { href: "#/admin/alerts", text: "Show" };
  if (alert.cleared_at) toast(`Over: ${alert.summary}`, "good", link);
  else toast(alert.summary, "bad", link);
});
