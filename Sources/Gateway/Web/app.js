// Starts the page: who is signed in, which view the address names, and what the stream has to say.

import { api, onSignedOut } from "./api.js";
import { el, emptyState, failedState, setText, skeleton } from "./dom.js";
import { live } from "./live.js";
import { forgetNames } from "./names.js";
import { obey } from "./notices.js";
import { toast } from "./toast.js";
import { dashboardView } from "./dashboard.js";
import { loginView } from "./login.js";

/** Each makes `{ element, title, changed?(), close?(), focus?() }`; all but the first are loaded when they are needed. */
const views = {
  "": { label: "Library", load: async () => dashboardView },
  playlist: { load: async () => (await import("./playlist.js")).playlistView },
  song: { load: async () => (await import("./song.js")).songView },
  insights: { label: "Insights", load: async () => (await import("./insights.js")).insightsView },
  history: { label: "History", load: async () => (await import("./history.js")).historyView },
  preferences: { label: "Preferences", load: async () => (await import("./preferences.js")).preferencesView },
  admin: { label: "Admin", role: "administrator", load: async () => (await import("./admin.js")).adminView },
};

const main = document.getElementById("main");
const navigation = document.getElementById("views");
let user = null;
let view = null;
let routed = 0;

function show(next) {
  view?.close?.();
  view = next;
  document.title = `${next.title} · Song analysis`;
  main.replaceChildren(next.element);
}

/** Shows what the address names. `moves`: somebody went there, so that the focus goes to its heading. */
async function route(moves = false) {
  const now = ++routed;
  if (!user) {
    show(loginView((me) => { live.announce("signed-in"); signedIn(me, true); }));
    return view.focus();
  }
  const [, kind = "", id, part] = location.hash.split("/").map(decoded);
  const entry = views[kind];
  markCurrent(kind);
  try {
    if (!entry || (entry.role && entry.role !== user.role)) throw null;
    const waiting = setTimeout(() => { if (now === routed) show({ element: skeleton(5), title: "Loading" }); }, 200);
    const make = await entry.load().finally(() => clearTimeout(waiting));
    if (now !== routed) return;
    show(make(id, user, part));
  } catch (error) {
    if (now !== routed) return;
    show({ title: "Not found", element: error
      ? failedState({ message: "This part of the page could not be fetched; it may have been renewed meanwhile." }, () => location.reload())
      : emptyState("There is nothing at this address", null, el("a", { class: "button", href: "#/" }, "Go to your library")) });
  }
  live.open();
  if (moves) {
    scrollTo(0, 0);
    (main.querySelector("h1") ?? main).focus({ preventScroll: true });
  }
}

function decoded(text) {
  try { return decodeURIComponent(text); } catch { return text; }
}

function markCurrent(kind) {
  for (const link of navigation.children) {
    if (link.getAttribute("href") === `#/${kind}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

/** `moves`: somebody has just signed in, so that the focus goes to the heading. */
function signedIn(me, moves = false) {
  user = me;
  document.getElementById("top").hidden = false;
  setText(document.getElementById("who"), user.name);
  navigation.replaceChildren(...Object.entries(views).filter(([, entry]) => entry.label && (!entry.role || entry.role === user.role))
    .map(([kind, entry]) => el("a", { href: `#/${kind}`, class: `view-${kind || "library"}` }, entry.label)));
  if (user.role === "administrator") {
    import("./admin-alerts.js").then(({ alertBadge }) => navigation.querySelector(".view-admin")?.append(alertBadge()), () => {});
  }
  // What the page does without them stands until they are known.
  api.preferences().then(obey, () => {});
  route(moves);
}

function signedOut() {
  if (!user && view) return;
  user = null;
  live.reset();
  forgetNames();
  document.getElementById("top").hidden = true;
  route();
}

// The truth about the connection: a word when it changes, and beside it how old what is shown is.
const connection = document.getElementById("connection");
const age = document.getElementById("connection-age");
const words = { live: "Live", polling: "Live", connecting: "Connecting…", lost: "Connection lost" };
live.addEventListener("connection", ({ detail }) => {
  connection.dataset.state = detail;
  setText(document.getElementById("connection-state"), words[detail]);
  connection.title = detail === "polling" ? "Event streams do not come through here; the page asks every second or two." : "";
  document.body.toggleAttribute("data-stale", detail === "lost");
  showAge();
});
function showAge() {
  const seconds = Math.floor((performance.now() - live.heardAt) / 1000);
  const isOld = connection.dataset.state === "lost" || (seconds >= 10 && live.jobs.some((job) => job.status === "in_progress"));
  setText(age, isOld ? ` · last update ${seconds} s ago` : "");
}
setInterval(showAge, 1_000);

live.addEventListener("changed", () => view?.changed?.());
live.addEventListener("signed-out", signedOut);
// Somebody signed in in another tab, which may be somebody else.
live.addEventListener("signed-in", () => { signedOut(); start(); });
onSignedOut(signedOut);
document.getElementById("sign-out").addEventListener("click", async () => {
  try {
    await api.logout();
    live.announce("signed-out");
    signedOut();
  } catch (error) {
    toast(error.message, "bad");
  }
});
addEventListener("hashchange", () => { if (location.hash.startsWith("#/") || location.hash === "") route(true); });
document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });

function start() {
  api.session().then((me) => (me ? signedIn(me) : signedOut()), (error) => {
    main.replaceChildren(failedState(error, start));
  });
}
start();
