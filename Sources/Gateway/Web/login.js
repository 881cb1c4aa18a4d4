// The sign-in form.

import { api } from "./api.js";
import { el, setText } from "./dom.js";
import { songs } from "./format.js";
import { toast } from "./toast.js";

export function loginView(signedIn) {
  const user = el("input", { id: "user", name: "user", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
  const password = el("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true });
  const problem = el("p", { class: "problem", role: "alert" });
  const button = el("button", { type: "submit", class: "primary" }, "Sign in");

  async function submit(event) {
    event.preventDefault();
    setText(problem, "");
    button.disabled = true;
    setText(button, "Signing in…");
    try {
      const answer = await api.login(user.value, password.value);
      if (answer.queued_count > 0) toast(`Analysing ${songs(answer.queued_count)} in the background`);
      signedIn(answer.user);
    } catch (error) {
      setText(problem, error.message);
      password.select();
    } finally {
      button.disabled = false;
      setText(button, "Sign in");
    }
  }

  const icon = document.querySelector(".brand img").src;
  const element = el("section", { class: "login card", "aria-labelledby": "login-title" },
    el("img", { src: icon, alt: "", width: "48", height: "48" }),
    el("h1", { id: "login-title" }, "Sign in"),
    el("p", { class: "soft" }, "Tempo, key, loudness and more of every song in your playlists."),
    el("form", { onsubmit: submit },
      el("label", { for: "user" }, "Name"), user,
      el("label", { for: "password" }, "Password"), password,
      problem, button));
  return { element, title: "Sign in", focus: () => user.focus() };
}
