// What the user wants: background analysis and its hours, what to be told of, the colours, and another password.

import { api } from "./api.js";
import { el, failedState, setText, skeleton, uniqueId } from "./dom.js";
import { confirmed } from "./confirm.js";
import { hoursEditor } from "./hours.js";
import { live } from "./live.js";
import { desktop, obey } from "./notices.js";
import { toast } from "./toast.js";

const kinds = [
  ["started", "An analysis starts or goes on"], ["displaced", "An analysis makes way for something more urgent"],
  ["completed", "An analysis is done"], ["failed", "An analysis fails"], ["cancelled", "An analysis is cancelled"],
];
const themes = [["system", "As the device has it"], ["light", "Light"], ["dark", "Dark"]];

export function preferencesView(_, user) {
  const content = el("div", { class: "stack" }, skeleton(4));
  const element = el("div", { class: "stack narrow" }, el("h1", { tabindex: "-1" }, "Preferences"), content);

  async function load() {
    try {
      const preferences = await api.preferences();
      obey(preferences);
      content.replaceChildren(analysisCard(preferences), notificationsCard(preferences), themeCard(preferences), passwordCard(user), dataCard(preferences, user));
    } catch (error) {
      content.replaceChildren(failedState(error, load));
    }
  }
  load();
  return { element, title: "Preferences" };
}

function card(title, said, ...children) {
  const id = uniqueId("card");
  return el("section", { class: "card result", "aria-labelledby": id }, el("div", { class: "card-head" }, el("h2", { id }, title), said.element), ...children);
}

/** One change after the other: the gateway puts each into the preferences as it finds them. */
let saving = Promise.resolve();

function setPreferences(changes) {
  const saved = saving.then(() => api.setPreferences(changes));
  saving = saved.catch(() => {});
  return saved;
}

/** Beside what it is about: that it was saved, or why it was not. */
function outcome() {
  const element = el("p", { class: "outcome", role: "status" });
  let timer = 0;
  function tell(text, isProblem = false) {
    clearTimeout(timer);
    element.classList.toggle("problem", isProblem);
    setText(element, text);
    if (text && !isProblem) timer = setTimeout(() => setText(element, ""), 4_000);
  }
  /** Resolves to whether it was saved. */
  async function save(changes) {
    try {
      obey(await setPreferences(changes));
      tell("Saved");
      return true;
    } catch (error) {
      tell(error.message, true);
      return false;
    }
  }
  return { element, tell, save, complain: (text) => tell(text, true) };
}

/** A box that is saved when it is ticked, and goes back where that is refused. */
function box(label, checked, save, hint = "") {
  const input = el("input", { type: "checkbox", checked, onchange: async () => {
    const wanted = input.checked;
    if (!await save(wanted)) input.checked = !wanted;
  } });
  return el("label", { class: "choice wide" }, input, el("span", {}, label, hint ? el("span", { class: "soft block" }, hint) : null));
}

function analysisCard(preferences) {
  const said = outcome();
  const quiet = hoursEditor("quiet hours", preferences.quiet_hours, (quiet_hours) => said.save({ quiet_hours }), said.complain);
  const offPeak = hoursEditor("off-peak hours", preferences.off_peak, (off_peak) => said.save({ off_peak }), said.complain);
  const zone = el("select", { id: "time-zone", onchange: () => said.save({ time_zone: zone.value }) },
    ...zones(preferences.time_zone).map(([value, text]) => el("option", { value, selected: value === preferences.time_zone }, text)));
  const rate = el("input", { id: "songs-per-hour", type: "number", min: "0", max: "100000", step: "1", inputmode: "numeric",
    placeholder: "no limit", value: preferences.songs_per_hour ? String(preferences.songs_per_hour) : "",
    onchange: () => { if (rate.reportValidity()) said.save({ songs_per_hour: Number(rate.value || 0) }); } });
  return card("Analysis in the background", said,
    box("Analyse everything new when I sign in", preferences.auto_analysis, (auto_analysis) => said.save({ auto_analysis }),
      "What you ask for yourself always comes first and is never held back."),
    el("div", { role: "group", "aria-labelledby": "quiet-hours" }, el("h3", { id: "quiet-hours" }, "Quiet hours"),
      el("p", { class: "soft" }, "No song is begun in the background then; the work goes on by itself afterwards."), quiet),
    el("div", { role: "group", "aria-labelledby": "off-peak-hours" }, el("h3", { id: "off-peak-hours" }, "Off-peak hours"),
      el("p", { class: "soft" }, "Songs are begun in the background in these hours alone; at any time where there are none."), offPeak),
    el("div", { class: "row" },
      el("div", {}, el("label", { for: "time-zone" }, "Time zone of the hours"), zone),
      el("div", {}, el("label", { for: "songs-per-hour" }, "Songs an hour, at most"), rate)));
}

/** The site's zone, this browser's, the one that is set, then all others. */
function zones(current) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const all = Intl.supportedValuesOf?.("timeZone") ?? [];
  const names = [...new Set([here, current, ...all])].filter(Boolean);
  return [["", "The site’s time zone"], ...names.map((name) => [name, name === here ? `${name} (here)` : name])];
}

function notificationsCard(preferences) {
  const said = outcome();
  return card("Messages", said,
    el("p", { class: "soft" }, "Tell me on the page when"),
    el("div", { class: "choices" }, ...kinds.map(([kind, label]) =>
      box(label, preferences.notifications[kind] !== false, (wanted) => said.save({ notifications: { [kind]: wanted } })))),
    desktopChoice(said));
}

/** Only this browser can know whether it may; so the wish is kept here, not with the user. */
function desktopChoice(said) {
  const label = "Also outside the page, while it is in the background";
  if (!("Notification" in window)) return el("p", { class: "soft" }, "This browser shows no notifications outside the page.");
  return box(label, desktop.isWanted && Notification.permission === "granted", async (wanted) => {
    if (wanted && await Notification.requestPermission() !== "granted") {
      said.tell("The browser does not allow notifications of this site. Its settings can allow them.", true);
      return false;
    }
    desktop.isWanted = wanted;
    said.tell("Saved in this browser");
    return true;
  }, "In this browser, when an analysis is done or fails.");
}

function themeCard(preferences) {
  const said = outcome();
  let current = preferences.theme;
  const radios = themes.map(([value, text]) => {
    const input = el("input", { type: "radio", name: "theme", value, checked: value === current, onchange: async () => {
      obey({ ...preferences, theme: value });
      if (await said.save({ theme: value })) { current = value; return; }
      obey({ ...preferences, theme: current });
      for (const radio of radios) radio.firstChild.checked = radio.firstChild.value === current;
    } });
    return el("label", { class: "choice" }, input, el("span", {}, text));
  });
  return card("Colours", said, el("div", { role: "radiogroup", "aria-label": "Colours" }, ...radios));
}

function passwordCard(user) {
  const field = (id, label, autocomplete) => {
    const input = el("input", { id, type: "password", autocomplete, required: true });
    return { input, element: el("div", {}, el("label", { for: id }, label), input) };
  };
  const current = field("current-password", "Present password", "current-password");
  const next = field("new-password", "New password", "new-password");
  const again = field("repeated-password", "New password again", "new-password");
  const said = outcome();
  const button = el("button", { type: "submit" }, "Change password");

  async function submit(event) {
    event.preventDefault();
    if (next.input.value !== again.input.value) {
      said.tell("The two new passwords are not the same.", true);
      return again.input.focus();
    }
    button.disabled = true;
    said.tell("");
    try {
      await api.changePassword(current.input.value, next.input.value);
      event.target.reset();
      said.tell("Changed. Everywhere else, you are signed out.");
      toast("The password was changed", "good");
    } catch (error) {
      said.tell(error.message, true);
    } finally {
      button.disabled = false;
    }
  }
  return card("Password", said, el("form", { class: "stack", onsubmit: submit },
    el("input", { class: "hidden", autocomplete: "username", value: user.name, tabindex: "-1", "aria-hidden": "true", readOnly: true }),
    el("div", { class: "row" }, current.element, next.element, again.element),
    el("div", { class: "actions" }, button)));
}

function dataCard(preferences, user) {
  const said = outcome();
  const password = el("input", { id: "removal-password", type: "password", autocomplete: "current-password", required: true });
  const button = el("button", { type: "submit", class: "danger" }, "Remove my account");
  async function submit(event) {
    event.preventDefault();
    if (!await confirmed(`Remove ${user.name}?`, "Remove everything",
      "Your playlists, songs, results, history and preferences are removed, and running analyses end. The audio files stay. It cannot be taken back.")) return;
    button.disabled = true;
    said.tell("");
    try {
      await api.removeMe(password.value);
      toast("Your account and everything in it were removed", "good");
      live.announce("signed-out");
      location.hash = "#/";
      location.reload();
    } catch (error) {
      said.tell(error.message, true);
    } finally {
      button.disabled = false;
    }
  }
  return card("Your data", said,
    el("p", { class: "soft" }, "Everything that is stored of you, in one file: account, preferences, playlists, songs, results, history. One JSON object a line."),
    box("Count how long I watch progress", preferences.watching_time, (watching_time) => said.save({ watching_time }),
      "Adds up over all users for how long progress is on a screen, so that we know whether it helps. Whose time it was is kept nowhere."),
    el("div", { class: "actions" }, el("a", { class: "button", href: "/api/me/export", download: "analysis-export.jsonl" }, "Download my data")),
    el("form", { class: "row", onsubmit: submit },
      el("div", {}, el("label", { for: "removal-password" }, "Your password, to remove your account"), password), button));
}
