// Short messages that come and go. The container is a polite live region.

import { el } from "./dom.js";

const most = 3;

/** `tone` is "good", "bad" or "plain". Bad news stays longer; none leaves while it is read or has the focus. `link` is `{ href, text }`. */
export function toast(message, tone = "plain", link = null) {
  const container = document.getElementById("toasts");
  const same = [...container.children].find((other) => other.dataset.message === message);
  if (same) same.remove();
  const dismiss = el("button", { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => node.remove() }, "×");
  const node = el("div", { class: `toast ${tone}`, "data-message": message },
    el("span", { class: "toast-text" }, message, link ? el("a", { href: link.href }, link.text) : null), dismiss);
  const leave = () => {
    if (node.matches(":hover, :focus-within")) setTimeout(leave, 1_000);
    else node.remove();
  };
  setTimeout(leave, tone === "bad" ? 12_000 : 6_000);
  while (container.childElementCount >= most) container.firstElementChild.remove();
  container.append(node);
}

/** Runs what a button asked for; the button waits meanwhile, and a failure is told. Answers undefined then. */
export async function act(button, action) {
  const hadFocus = document.activeElement === button;
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
    // What is disabled loses the focus; who pressed it goes on from there.
    if (hadFocus && button.isConnected && document.activeElement === document.body) button.focus();
  }
}
