// The administration: a frame with its parts, each of which is loaded when it is opened and asks again while it is looked at.

import { api } from "./api.js";
import { el, failedState, skeleton } from "./dom.js";

const parts = [
  ["", "Queue", () => import("./admin-queue.js")], ["alerts", "Alerts", () => import("./admin-alerts.js")],
  ["workers", "Workers", () => import("./admin-workers.js")],
  ["failed", "Dead letters", () => import("./admin-failed.js")], ["throughput", "Throughput", () => import("./admin-days.js")],
  ["estimates", "Estimates", () => import("./admin-eta.js")],
  ["users", "Users", () => import("./admin-users.js")], ["audit", "Audit", () => import("./admin-audit.js")],
];
const hidden = [["job", "", () => import("./admin-job.js")]];
const askEvery = 3_000;

/**
 * A list of which page after page is shown, as far as somebody asked for more. All of them are asked for each time: what has left the
 * list does not stay for ever. `load` answers a page after a token, or the first, with the items under `member`.
 */
export function pagedList(load, member) {
  let count = 1;
  return {
    hasMore: false,
    more() { count += 1; },
    async items() {
      const items = [];
      let token;
      for (let page = 0; page < count && token !== null; page += 1) {
        const answer = await load(token);
        items.push(...answer[member]);
        token = answer.next_page_token;
      }
      this.hasMore = token !== null;
      return items;
    },
  };
}

/**
 * A part's module has `part(context)`, which answers `{ element, refresh?, close? }`. `refresh` is called every three seconds while the page
 * is looked at, and after `context.again()`; what it throws is shown until it succeeds.
 */
export function adminView(name = "", user, id) {
  const [, title, load] = [...parts, ...hidden].find(([key]) => key === name) ?? parts[0];
  const place = el("div", { class: "stack" }, skeleton(4));
  const problem = el("div", { class: "stack" });
  const element = el("div", { class: "stack" }, el("h1", { tabindex: "-1" }, "Administration"),
    el("nav", { class: "tabs", "aria-label": "Administration" }, ...parts.map(([key, text]) =>
      el("a", { href: key ? `#/admin/${key}` : "#/admin", "aria-current": key === name ? "page" : null }, text))),
    problem, place);
  let timer = 0;
  let isClosed = false;
  let shown = null;

  async function refresh() {
    clearTimeout(timer);
    try {
      if (shown.refresh && !document.hidden) await shown.refresh();
      if (isClosed) return;
      problem.replaceChildren();
      if (!shown.element.isConnected) place.replaceChildren(shown.element);
    } catch (error) {
      if (isClosed) return;
      if (!shown.element.isConnected) place.replaceChildren(failedState(error, refresh));
      else problem.replaceChildren(el("p", { class: "notice", "data-tone": "bad", role: "alert" }, `What is shown is not up to date. ${error.message}`));
    }
    clearTimeout(timer);
    if (shown.refresh && !isClosed) timer = setTimeout(refresh, askEvery);
  }

  async function open() {
    try {
      const module = await load();
      if (isClosed) return;
      shown = module.part({ api: api.admin, user, id, again: refresh });
    } catch (error) {
      return place.replaceChildren(failedState(error, () => location.reload()));
    }
    refresh();
  }
  open();
  const looked = () => { if (!document.hidden && shown) refresh(); };
  document.addEventListener("visibilitychange", looked);
  return { element, title: title || "Job", close: () => {
    isClosed = true;
    shown?.close?.();
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", looked);
  } };
}
