// Asks before what cannot be taken back.

import { el, uniqueId } from "./dom.js";

/** Resolves to whether it was confirmed. */
export function confirmed(question, verb, details = "") {
  const id = uniqueId("question");
  const dialog = el("dialog", { class: "card confirm", "aria-labelledby": id }, el("form", { method: "dialog" },
    el("h2", { id }, question), details ? el("p", {}, details) : null,
    el("div", { class: "actions" }, el("button", { value: "no", autofocus: true }, "Leave it"), el("button", { value: "yes", class: "danger" }, verb))));
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });
}
