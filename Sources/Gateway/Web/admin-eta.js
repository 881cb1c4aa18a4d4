// How true the estimates were that people were shown.

import { columns } from "./charts.js";
import { el, emptyState } from "./dom.js";
import { figure, figures } from "./figures.js";
import { count, percent } from "./format.js";

const ranges = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"]];

export function part({ api, again }) {
  const range = el("select", { "aria-label": "How far back", onchange: again }, ...ranges.map(([value, text]) => el("option", { value }, text)));
  const place = el("div", { class: "stack" });
  let known = "";

  async function refresh() {
    const accuracy = await api.accuracy(range.value);
    const text = JSON.stringify(accuracy);
    if (text === known) return;
    known = text;
    const { by_fraction: tenths, from_first_tenth: all } = accuracy;
    place.replaceChildren(...(tenths.every((tenth) => tenth.estimates === 0)
      ? [emptyState("No estimate has been put to the test yet", "Every estimate is kept, and compared with the time then taken once its job is done.")]
      : [all?.adjusted ? summary(all) : null, el("div", { class: "charts" },
        chart("Nine in ten were wrong by less than", tenths, (tenth) => tenth.adjusted?.p90_absolute ?? 0),
        chart("Half were wrong by less than", tenths, (tenth) => tenth.adjusted?.median_absolute ?? 0))].filter(Boolean)));
  }
  return { element: el("div", { class: "stack" }, el("div", { class: "actions choices" }, range), place), refresh };
}

const share = (value) => (value >= 1 ? `${Math.round(value * 100)} %` : percent(value));

function summary({ estimates, adjusted, unadjusted }) {
  const bias = adjusted.median;
  return el("section", { class: "card result", "aria-label": "In short" },
    el("p", { class: "soft" }, "From the first tenth of a job on, against the time then taken, less displacement and pauses that began after the estimate."),
    figures(
      figure("Within the target", share(adjusted.within_target), { meaning: "The share of estimates that were wrong by less than 20 %, or by less than 2 seconds. Nine in ten is the target.", note: count(estimates, "estimate") }),
      figure("Nine in ten within", share(adjusted.p90_absolute)), figure("Half within", share(adjusted.median_absolute), { note: "the target is 7 %" }),
      figure("Tendency", Math.abs(bias) < 0.005 ? "none" : `${share(Math.abs(bias))} ${bias > 0 ? "too long" : "too short"}`, { meaning: "By how much the middle estimate is off: too long is the pleasant side." }),
      figure("As it came, half within", unadjusted && share(unadjusted.median_absolute), { meaning: "With displacement and pauses that nobody could foresee." })));
}

function chart(title, tenths, value) {
  const name = ({ from, to }) => `${Math.round(from * 100)} to ${Math.round(to * 100)} % done`;
  return el("section", { class: "card result", "aria-label": title }, el("h2", {}, title), columns({
    label: `${title}, by how much of the job was done`, unit: "When it was shown", counts: "%", ends: ["0 % done", "50 %", "100 %"],
    bars: tenths.map((tenth) => ({ value: Math.round(value(tenth) * 100), name: name(tenth), title: `${name(tenth)}: ${share(value(tenth))} of ${count(tenth.estimates, "estimate")}` })),
  }));
}
