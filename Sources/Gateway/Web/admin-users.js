// Who may sign in, and as what.

import { pagedList } from "./admin.js";
import { el, keyed, setText } from "./dom.js";
import { confirmed } from "./confirm.js";
import { ago, when } from "./format.js";
import { act, toast } from "./toast.js";

const roles = [["listener", "Listener"], ["administrator", "Administrator"]];

export function part({ api, user: me, again }) {
  const list = el("div", { class: "stack" });
  const more = el("button", { type: "button", hidden: true, onclick: () => act(more, showMore) }, "Show more");
  const element = el("div", { class: "stack" }, addForm(api, again), list, el("div", { class: "actions centre" }, more));
  const users = pagedList(api.users, "users");

  async function refresh() {
    keyed(list, await users.items(), (user) => String(user.id), (user) => userRow(user, String(user.id) === String(me.id), api, again));
    more.hidden = !users.hasMore;
  }

  async function showMore() {
    users.more();
    await again();
  }
  return { element, refresh };
}

function roleChoice(properties) {
  return el("select", properties, ...roles.map(([value, text]) => el("option", { value }, text)));
}

function addForm(api, again) {
  const name = el("input", { id: "new-user", required: true, maxlength: "64", autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const password = el("input", { id: "new-user-password", type: "password", required: true, autocomplete: "new-password" });
  const role = roleChoice({ id: "new-user-role" });
  const button = el("button", { type: "submit" }, "Add");
  return el("section", { class: "card result", "aria-labelledby": "add-user" }, el("h2", { id: "add-user" }, "Add a user"),
    el("form", { class: "row", onsubmit: async (event) => {
      event.preventDefault();
      if (!await act(button, () => api.addUser({ user: name.value, password: password.value, role: role.value }))) return;
      toast(`${name.value} can sign in now`, "good");
      event.target.reset();
      name.focus();
      again();
    } }, el("div", {}, el("label", { for: "new-user" }, "Name"), name), el("div", {}, el("label", { for: "new-user-password" }, "Password"), password),
    el("div", {}, el("label", { for: "new-user-role" }, "Role"), role), button));
}

function userRow(first, isMe, api, again) {
  const id = String(first.id);
  const said = el("span", { class: "soft" });
  let shown = first.role;
  const role = roleChoice({ "aria-label": `Role of ${first.name}`, disabled: isMe, title: isMe ? "Another administrator can change your role" : "", onchange: async () => {
    const former = shown;
    if (!await act(role, () => api.setRole(id, role.value))) role.value = former;
    else toast(`${first.name} is ${role.value === "administrator" ? "an administrator" : "a listener"} now`);
    again();
  } });
  const remove = el("button", { type: "button", class: "quiet danger", disabled: isMe, "aria-label": `Remove ${first.name}`, onclick: async () => {
    if (!await confirmed(`Remove ${first.name}?`, "Remove", "All that is theirs is removed, too: songs, playlists, results, jobs and sessions. It cannot be taken back.")) return;
    if (await act(remove, () => api.removeUser(id))) toast(`${first.name} was removed`);
    again();
  } }, "Remove");
  const element = el("div", { class: "card line" }, el("p", {}, el("strong", {}, first.name), isMe ? " (you)" : ""), said, el("div", { class: "actions" }, role, remove));
  function update(user) {
    shown = user.role;
    if (role !== document.activeElement) role.value = user.role;
    setText(said, [`since ${when(user.created_at)}`, user.last_analysis_at ? `last analysis ${ago(user.last_analysis_at)}` : "no analysis yet",
      user.auto_analysis ? "" : "no background analysis"].filter(Boolean).join(" · "));
  }
  return { element, update };
}
