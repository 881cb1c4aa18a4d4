// What administrators did: who, when, what, with whose, and how it ended.

import { el, emptyState } from "./dom.js";
import { when } from "./format.js";
import { act } from "./toast.js";

export function part({ api }) {
  const rows = el("tbody", {});
  const none = el("div", {}, emptyState("Nothing yet", "Whatever an administrator changes that is not their own is written down here."));
  const heads = ["When", "Who", "What", "Whose", "About", "Outcome"];
  const table = el("div", { class: "scrolls card" }, el("table", { class: "figures-table" }, el("caption", { class: "hidden" }, "What administrators did"),
    el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))), rows));
  const more = el("button", { type: "button", hidden: true, onclick: () => act(more, showMore) }, "Show more");
  let extra = [];
  let token = null;
  let shown = "";

  function show(page) {
    const entries = [...page, ...extra.filter((entry) => !page.some((other) => other.id === entry.id))];
    none.hidden = entries.length > 0;
    table.hidden = entries.length === 0;
    more.hidden = !token;
    const ids = entries.map((entry) => entry.id).join();
    if (ids === shown) return;
    shown = ids;
    rows.replaceChildren(...entries.map(row));
  }

  let first = [];
  async function refresh() {
    const page = await api.audit();
    if (extra.length === 0) token = page.next_page_token;
    first = page.entries;
    show(first);
  }

  async function showMore() {
    const page = await api.audit(token);
    extra = [...extra, ...page.entries];
    token = page.next_page_token;
    show(first);
  }
  return { element: el("div", { class: "stack" }, el("p", { class: "soft" }, "The latest first."), none, table, el("div", { class: "actions centre" }, more)), refresh };
}

function row(entry) {
  const about = [entry.target, entry.detail].filter(Boolean).join(" · ");
  const isRefused = entry.outcome !== "OK";
  return el("tr", { "data-tone": isRefused ? "bad" : "done" }, el("th", { scope: "row" }, el("time", { datetime: entry.at }, when(entry.at))),
    el("td", {}, entry.actor), el("td", {}, words(entry.action)), el("td", {}, entry.user_id === null ? "–" : String(entry.user_id)),
    el("td", {}, about || "–"), el("td", { class: "classed", title: entry.error }, isRefused ? `Refused: ${entry.error || entry.outcome}` : "Done"));
}

/** "Queue/PauseQueue" → "Pause queue". */
function words(action) {
  const text = action.split("/").at(-1).replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
