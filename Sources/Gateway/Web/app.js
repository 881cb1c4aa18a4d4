// Starts the page: who is signed in, which view the address names, and what the stream has to say.

import { api, onSignedOut } from "/api.js";
import { setText } from "/dom.js";
import { jobType, songs } from "/format.js";
import { live } from "/live.js";
import { forgetNames, targetName } from "/names.js";
import { toast } from "/toast.js";
import { dashboardView } from "/dashboard.js";
import { loginView } from "/login.js";
import { playlistView } from "/playlist.js";
import { songView } from "/song.js";

const main = document.getElementById("main");
const connection = document.getElementById("connection");
let user = null;
let view = null;

/** A view is `{ element, title, playlist?, changed?(), ended?(), close?() }`. */
function show(next) {
  view?.close?.();
  view = next;
  document.title = `${next.title} · Song analysis`;
  main.replaceChildren(next.element);
}

function route() {
  if (!user) return show(loginView(signedIn));
  const [, kind, id] = location.hash.split("/").map(decodeURIComponent);
  const next = kind === "playlist" && id ? playlistView(id) : kind === "song" && id ? songView(id) : dashboardView();
  show(next);
  live.open(next.playlist ?? null);
}

function signedIn(me) {
  user = me;
  document.getElementById("account").hidden = false;
  setText(document.getElementById("who"), user.name);
  route();
}

function signedOut() {
  if (!user && view) return;
  user = null;
  live.reset();
  forgetNames();
  document.getElementById("account").hidden = true;
  route();
}

/** One sentence for the end of a job. A song that somebody clicked deserves it as much as a whole playlist. */
function announce(entry) {
  const name = targetName(entry, () => {});
  if (entry.status === "cancelled") return toast(`Cancelled: ${name}`);
  if (entry.status === "failed") return toast(`${name}: ${entry.message}`, "bad");
  const failures = entry.failed ? `, ${songs(entry.failed)} failed` : "";
  if (jobType(entry) === "song") return toast(`Analysed “${name}”`, "good");
  return toast(`Finished ${name}: ${songs(entry.completed_items)}${failures}`, entry.failed ? "bad" : "good");
}

const connectionText = { live: "Live", connecting: "Connecting…", lost: "Connection lost, trying again…" };
live.addEventListener("connection", ({ detail }) => {
  connection.dataset.state = detail;
  setText(connection, connectionText[detail]);
  if (detail === "lost") document.body.dataset.stale = "";
  if (detail === "live") delete document.body.dataset.stale;
});
live.addEventListener("changed", () => view?.changed?.());
live.addEventListener("ended", ({ detail }) => { announce(detail); view?.ended?.(); });

document.getElementById("sign-out").addEventListener("click", async () => {
  try {
    await api.logout();
    signedOut();
  } catch (error) {
    toast(error.message, "bad");
  }
});
onSignedOut(signedOut);
live.addEventListener("signed-out", signedOut);
addEventListener("hashchange", () => { route(); main.focus(); scrollTo(0, 0); });

api.session().then((me) => (me ? signedIn(me) : signedOut()), (error) => {
  toast(error.message, "bad");
  signedOut();
});
