// What the user thinks of an analysis that has ended: a thumb, and a comment for who wants to say more.

import { api } from "./api.js";
import { el, setText, uniqueId } from "./dom.js";
import { act } from "./toast.js";

const thumbs = [["up", "Good"], ["down", "Not good"]];

/** Drawn, for not every device has the characters. */
export function thumbSign(thumb) {
  return el("svg", { class: "thumb-sign", viewBox: "0 0 24 24", "aria-hidden": "true" },
    el("path", { transform: thumb === "down" ? "rotate(180 12 12)" : null,
      d: "M2 10h5v11H2zM9 21V10l4-8c2 0 3 1.4 2.6 3.2L14.8 9H20a2 2 0 0 1 2 2.4l-1.5 7.2A3 3 0 0 1 17.6 21z" }));
}

/** Two buttons, of which one at most is pressed; pressing it again takes back what was said. */
export function ratingControl(job, name) {
  let rating = job.rating;
  const id = uniqueId("comment");
  const input = el("input", { id, type: "text", maxlength: "1000", autocomplete: "off" });
  const send = el("button", { type: "submit" }, "Send");
  const said = el("span", { class: "soft", role: "status" });
  const form = el("form", { class: "rating-comment", hidden: true, onsubmit: (event) => { event.preventDefault(); say(send, rating.thumb, input.value.trim()); } },
    el("label", { for: id, class: "soft" }, "What should we know? (optional)"), el("div", { class: "actions" }, input, send));
  const buttons = thumbs.map(([thumb, word]) => {
    const button = el("button", { type: "button", class: "thumb", "aria-label": `${word}: ${name}`, title: word,
      onclick: () => (rating?.thumb === thumb ? takeBack(button) : say(button, thumb, rating?.comment ?? "", true)) }, thumbSign(thumb));
    return button;
  });

  function show(isOpen) {
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(rating?.thumb === thumbs[index][0])));
    input.value = rating?.comment ?? "";
    form.hidden = !isOpen;
    setText(said, rating && !isOpen ? rating.comment || "Thank you" : "");
  }

  async function say(button, thumb, comment, asks = false) {
    const answer = await act(button, () => api.rate(job.job_id, { thumb, comment }));
    if (!answer) return;
    rating = answer.rating;
    show(asks);
  }

  async function takeBack(button) {
    const answer = await act(button, () => api.unrate(job.job_id));
    if (!answer) return;
    rating = null;
    show(false);
  }

  show(false);
  return el("div", { class: "rating", role: "group", "aria-label": `What you think of it: ${name}` }, ...buttons, said, form);
}
