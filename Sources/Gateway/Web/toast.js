// Short messages that come and go. The container is a polite live region.

import { el } from "/dom.js";

/** `tone` is "good", "bad" or "plain". Bad news stays longer; every toast can be dismissed. */
export function toast(message, tone = "plain") {
  const container = document.getElementById("toasts");
  const dismiss = el("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => leave() }, "×");
  const node = el("div", { class: `toast ${tone}` }, el("span", {}, message), dismiss);
  const timer = setTimeout(() => leave(), tone === "bad" ? 10_000 : 5_000);
  function leave() {
    clearTimeout(timer);
    node.remove();
  }
  while (container.childElementCount >= 4) container.firstElementChild.remove();
  container.append(node);
}

/** Runs what a button asked for; the button waits meanwhile, and a failure is told. Answers undefined then. */
export async function act(button, action) {
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  try {
    return await action();
  } catch (error) {
    toast(error.message, "bad");
    return undefined;
  } finally {
    button.disabled = false;
    button.removeAttribute("aria-busy");
  }
}
